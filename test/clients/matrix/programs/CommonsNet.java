import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.net.Socket;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.Locale;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSession;
import javax.net.ssl.SSLSessionContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import org.apache.commons.net.PrintCommandListener;
import org.apache.commons.net.ftp.FTP;
import org.apache.commons.net.ftp.FTPClient;
import org.apache.commons.net.ftp.FTPSClient;

/** Does the steps of program.ts with Apache Commons Net. With the argument "reuse": by the reflection of those who need session reuse. */
public class CommonsNet {
    /** JSSE finds sessions by host and port. This puts the session of the control connection where the data connection looks. */
    static class ReusingClient extends FTPSClient {
        ReusingClient(boolean implicit, SSLContext context) {
            super(implicit, context);
        }

        @Override
        protected void _prepareDataSocket_(Socket socket) throws IOException {
            if (!(socket instanceof SSLSocket)) return;
            try {
                SSLSession session = ((SSLSocket) _socket_).getSession();
                SSLSessionContext context = session.getSessionContext();
                Field cacheField = context.getClass().getDeclaredField("sessionHostPortCache");
                cacheField.setAccessible(true);
                Object cache = cacheField.get(context);
                Method put = cache.getClass().getDeclaredMethod("put", Object.class, Object.class);
                put.setAccessible(true);
                for (String host : new String[] {socket.getInetAddress().getHostName(), socket.getInetAddress().getHostAddress()}) {
                    put.invoke(cache, (host + ":" + socket.getPort()).toLowerCase(Locale.ROOT), session);
                }
            } catch (ReflectiveOperationException e) {
                throw new IOException(e);
            }
        }
    }

    public static void main(String[] args) throws Exception {
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, "ISO-8859-1"));
        String[] site = input.readLine().split("\t");
        boolean secure = !site[2].equals("off");
        boolean reuse = args.length > 0 && args[0].equals("reuse");
        FTPClient ftp = secure ? secureClient(site, reuse) : new FTPClient();
        ftp.addProtocolCommandListener(new PrintCommandListener(new PrintWriter(System.err, true), true));
        ftp.setConnectTimeout(30_000);
        ftp.connect(site[0], Integer.parseInt(site[1]));
        must(ftp, ftp.login(site[5], site[6]));
        if (secure) {
            ((FTPSClient) ftp).execPBSZ(0);
            ((FTPSClient) ftp).execPROT("P");
        }
        must(ftp, ftp.setFileType(FTP.BINARY_FILE_TYPE));
        if (site[4].equals("passive")) ftp.enterLocalPassiveMode();
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            must(ftp, perform(ftp, line.split("\t", -1)));
        }
        ftp.logout();
        ftp.disconnect();
    }

    private static boolean perform(FTPClient ftp, String[] step) throws IOException {
        switch (step[0]) {
            case "put":
                try (InputStream file = new FileInputStream(step[1])) {
                    return ftp.storeFile(step[2], file);
                }
            case "get":
                try (OutputStream file = new FileOutputStream(step[2])) {
                    return ftp.retrieveFile(step[1], file);
                }
            case "list":
                String[] names = ftp.listNames();
                System.out.println("list\t" + String.join("\t", names));
                return true;
            case "rename":
                return ftp.rename(step[1], step[2]);
            case "remove":
                return ftp.deleteFile(step[1]);
            case "makeDirectory":
                return ftp.makeDirectory(step[1]);
            case "removeDirectory":
                return ftp.removeDirectory(step[1]);
            default:
                return false;
        }
    }

    private static FTPSClient secureClient(String[] site, boolean reuse) throws Exception {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null);
        try (InputStream file = new FileInputStream(site[7])) {
            store.setCertificateEntry("gateway", CertificateFactory.getInstance("X.509").generateCertificate(file));
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        boolean implicit = site[2].equals("implicit");
        FTPSClient ftp = reuse ? new ReusingClient(implicit, context) : new FTPSClient(implicit, context);
        ftp.setEnabledProtocols(new String[] {"TLSv" + site[3]});
        ftp.setEndpointCheckingEnabled(true);
        return ftp;
    }

    private static void must(FTPClient ftp, boolean done) throws IOException {
        if (!done) throw new IOException(ftp.getReplyString());
    }
}

import java.io.OutputStream;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;

/** For each pair of arguments, a port and a size: sends so many bytes by TLS 1.3 and closes the connection, as Java does. */
public class TlsUploads {
    static class TrustAll implements X509TrustManager {
        public void checkClientTrusted(X509Certificate[] chain, String type) {}

        public void checkServerTrusted(X509Certificate[] chain, String type) {}

        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }

    public static void main(String[] args) throws Exception {
        SSLContext context = SSLContext.getInstance("TLSv1.3");
        context.init(null, new TrustManager[] {new TrustAll()}, null);
        for (int i = 0; i + 1 < args.length; i += 2) {
            SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket("127.0.0.1", Integer.parseInt(args[i]));
            socket.startHandshake();
            OutputStream out = socket.getOutputStream();
            out.write(new byte[Integer.parseInt(args[i + 1])]);
            socket.close();
        }
    }
}

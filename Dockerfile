# The build stage has a compiler: ssh2 gets its native cryptography there, for the same system as below.
FROM node:24-trixie AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build && chmod +x dist/main.js && npm prune --omit=dev

FROM node:24-trixie-slim
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="ftps-sftp-gateway" \
      org.opencontainers.image.description="FTPS in front, SFTP behind" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.documentation="README.md and deploy/install.md in the package" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
ENV NODE_ENV=production \
    NODE_OPTIONS=--enable-source-maps \
    FTPS_GATEWAY_REVISION=$REVISION
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY LICENSE ./
# Nothing is installed in a running container, and nobody becomes somebody else.
RUN ln -s /app/dist/main.js /usr/local/bin/ftps-gateway \
    && install -d -o 1000 -g 1000 -m 0700 /var/lib/ftps-gateway \
    && install -d /etc/ftps-gateway \
    && rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /opt/yarn* /usr/local/bin/yarn* \
    && find / -xdev -type f -perm /6000 -exec chmod a-s {} +
# The user "node", by its number: Kubernetes can then tell that it is not root.
USER 1000:1000
# Only the volume is written to: run it with `--read-only --cap-drop ALL --security-opt no-new-privileges`.
# Mount gateway.yaml and what it names at /etc/ftps-gateway; `state: { directory: /var/lib/ftps-gateway }` belongs in it.
VOLUME /var/lib/ftps-gateway
# Docker lets any user open ports below 1024 in a container. Where that is not so, set other ports in gateway.yaml and
# publish those as 21 and 990. Every passive port must be published under its own number; a hundred are plenty for Docker,
# which keeps a process for each: set `passive: { ports: 50000-50099 }`, or use the network of the host.
STOPSIGNAL SIGTERM
EXPOSE 21 990 50000-50099 9464
HEALTHCHECK --interval=30s --timeout=10s --start-period=20s \
    CMD ["ftps-gateway", "health", "--config", "/etc/ftps-gateway/gateway.yaml"]
ENTRYPOINT ["ftps-gateway"]
CMD ["serve", "--config", "/etc/ftps-gateway/gateway.yaml"]

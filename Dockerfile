FROM node:22-bookworm-slim AS console
WORKDIR /src
COPY web-console .
RUN npm ci --no-audit --no-fund && npm run build

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
COPY --from=console /src/dist web-console/dist
RUN cargo build --release --locked

FROM debian:bookworm-slim
COPY --from=build /src/target/release/holdfast /usr/local/bin/holdfast
RUN useradd --system --uid 10001 holdfast && install -d -o holdfast -m 700 /data
USER holdfast
WORKDIR /data
VOLUME /data
EXPOSE 9000 9001 9100
HEALTHCHECK --interval=10s --timeout=6s CMD ["holdfast", "health", "--address", "127.0.0.1:9000"]
ENTRYPOINT ["holdfast"]
CMD ["serve", "/data/drive{1...4}", "--address", ":9000", "--console-address", ":9001"]

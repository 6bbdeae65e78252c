# The image that CI jobs use: the static binary, and the programs that it calls.
# docker build -t imgforge . && docker run --rm -v "$PWD:$PWD" -w "$PWD" imgforge run

FROM rust:1.95-bookworm AS build
WORKDIR /source
COPY . .
# A static binary needs its target named, or procedural macros would be made static too. Where it is loaded is not known
# before: packed, the addresses that this changes take 1.5 MB of memory less.
RUN target=$(rustc -vV | sed -n 's/^host: //p') \
    && RUSTFLAGS="-C target-feature=+crt-static -C link-arg=-Wl,-z,pack-relative-relocs" cargo build --locked --profile dist --package imgforge --target "$target" \
    && cp "target/$target/dist/imgforge" /imgforge

FROM debian:12-slim
RUN apt-get update -qq \
    && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
        ca-certificates git openssh-client qemu-system-x86 qemu-utils \
    && rm -rf /var/lib/apt/lists/* \
    # CI systems mount a checkout of another user, and git refuses those.
    && git config --system --add safe.directory '*'
COPY --from=build /imgforge /usr/local/bin/imgforge
COPY LICENSE-MIT LICENSE-APACHE /usr/share/doc/imgforge/
RUN ln -s imgforge /usr/local/bin/packer
# Jenkins runs it as a user without a home.
ENV HOME=/tmp
ENTRYPOINT ["imgforge"]
CMD ["--help"]

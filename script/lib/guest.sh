# shellcheck shell=bash
# Starts the tiny guest of script/tiny-guest, or an image made of it, and speaks to it. Sourced by scripts.

# A TCP port of 127.0.0.1 that was free just now.
free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# start_guest DISK PORT SERIAL_LOG: boots a copy-on-write view of the disk in the background; its pid is in $guest_pid.
start_guest() {
    qemu-system-x86_64 -machine q35 -accel tcg -cpu max -smp 2 -m 256 -display none -serial "file:$3" \
        -drive "file=$1,if=virtio,format=qcow2" -snapshot -device virtio-net,netdev=n \
        -netdev "user,id=n,hostfwd=tcp:127.0.0.1:$2-:22" &
    guest_pid=$!
}

# wait_for_banner PORT SECONDS: until the guest says that it speaks SSH. QEMU accepts connections from the first
# moment on, so a connection says nothing; a guest that is not up yet stays silent.
wait_for_banner() {
    local banner deadline=$((SECONDS + $2))
    while [ "$SECONDS" -lt "$deadline" ] && kill -0 "$guest_pid" 2>/dev/null; do
        banner=
        { read -r -t 0.5 banner <&3 || true; } 2>/dev/null 3<>"/dev/tcp/127.0.0.1/$1" || true
        [[ $banner = SSH-* ]] && return
        sleep 0.02
    done
    echo "the guest did not answer within $2 s" >&2
    return 1
}

# in_guest PORT COMMAND: runs a command as root, by the guest's well-known password.
in_guest() {
    SSH_ASKPASS=$(dirname "${BASH_SOURCE[0]}")/askpass SSH_ASKPASS_REQUIRE=force ssh -F none -n -p "$1" \
        -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -o ConnectTimeout=20 \
        -o PubkeyAuthentication=no -o PreferredAuthentications=password,keyboard-interactive \
        -o NumberOfPasswordPrompts=1 root@127.0.0.1 "$2"
}

# stop_guest PORT: ends it from inside, and waits until QEMU is gone. $guest_pid is empty afterwards.
stop_guest() {
    # The connection dies with the guest.
    in_guest "$1" 'sync; poweroff -f' 2>/dev/null || true
    wait "$guest_pid"
    guest_pid=
}

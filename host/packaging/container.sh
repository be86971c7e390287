#!/usr/bin/env bash
# Makes the image of a host, without a container engine: the program, the libraries that it is linked to, the certificates
# that it trusts, and connectors; nothing else, and no shell.
#
# Usage: host/packaging/container.sh PROGRAM TO [CONNECTOR.wasm ...]
#   PROGRAM    countersign, built as host/docs/operating.md says, on a machine with the libraries that it is to have
#   TO         where buildah puts the image: oci-archive:FILE, docker://REGISTRY/NAME:TAG and the like
#   CONNECTOR  goes to /usr/local/share/countersign/connectors, for `install` of `[connectors]`
#
# Needs buildah (1.28 or later). The last line printed is the digest of the image. The same files and the same buildah make the same
# image: everything in it is dated by SOURCE_DATE_EPOCH (seconds since 1970; 0 unless it is set). CERTIFICATES names other
# certificates to trust.
set -euo pipefail

fail() { printf 'container.sh: %s\n' "$*" >&2; exit 1; }

[ $# -ge 2 ] || { sed -n '5,8s/^# \{0,1\}//p' "$0" >&2; exit 2; }
program="$(realpath -- "$1")" to="$2"
shift 2
certificates="${CERTIFICATES:-/etc/ssl/certs/ca-certificates.crt}"
dated="${SOURCE_DATE_EPOCH:-0}"
# Nobody on any machine, as in the manifests beside this file.
user=65532
# Before this version the C library opens others by their names to find an address, which no list of a program says.
libc_min=2.34

command -v buildah >/dev/null || fail "buildah is missing: install it from the packages of your system"
for file in "$program" "$certificates" "$@"; do
    [ -f "$file" ] || fail "there is no file $file"
done
again="$(for connector in "$@"; do basename "$connector"; done | sort | uniq -d)"
[ -z "$again" ] || fail "two connectors are called $again: one would be put over the other"
version="$("$program" --version)" || fail "$program does not run on this machine"
if linked="$(ldd "$program" 2>&1)"; then
    libraries="$(awk '$2 == "=>" { print $3 } $1 ~ /^\// { print $1 }' <<<"$linked")"
    libc="$(getconf GNU_LIBC_VERSION)" || fail "$program is linked to a C library that is not GNU's: link it to nothing"
    libc="${libc##* }"
    [ "$(printf '%s\n' "$libc_min" "$libc" | sort -V | head -n 1)" = "$libc_min" ] \
        || fail "the C library of this machine is $libc: take one with $libc_min or later"
else
    case "$linked" in
        *'not a dynamic executable'* | *'statically linked'*) libraries='' ;;
        *) fail "what $program is linked to cannot be told: $linked" ;;
    esac
fi

# A name that nobody else has in the store of whoever runs this: an image of theirs may have the same content.
made="localhost/countersign-image-$$" image='' digest=''
cleared() {
    [ -z "$image" ] || buildah rm "$image" >/dev/null 2>&1 || :
    buildah rmi "$made" >/dev/null 2>&1 || :
    [ -z "$digest" ] || rm -f "$digest"
}
trap cleared EXIT
digest="$(mktemp)"
image="$(buildah from scratch)"
put() { buildah copy --quiet --chown 0:0 --chmod "$1" "$image" "$2" "$3" >/dev/null; }

put 0755 "$program" /usr/local/bin/countersign
for library in $libraries; do put 0755 "$(readlink -f "$library")" "$library"; done
put 0644 "$certificates" /etc/ssl/certs/ca-certificates.crt
for connector in "$@"; do put 0644 "$connector" "/usr/local/share/countersign/connectors/$(basename "$connector")"; done

buildah config \
    --user "$user:$user" --workingdir / \
    --entrypoint '["/usr/local/bin/countersign"]' \
    --cmd 'serve --config /etc/countersign/countersign.toml' \
    --env SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
    --port 8700/tcp --port 8701/tcp \
    --stop-signal SIGTERM \
    --label org.opencontainers.image.title=countersign \
    --label "org.opencontainers.image.version=${version##* }" \
    --label org.opencontainers.image.licenses=Apache-2.0 \
    "$image"

buildah commit --quiet --timestamp "$dated" --identity-label=false "$image" "$made" >/dev/null
buildah push --quiet --digestfile "$digest" "$made" "$to" >/dev/null
printf '%s holds %s, to run as user %d\n%s\n' "$to" "$version" "$user" "$(cat "$digest")"

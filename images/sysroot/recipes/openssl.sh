# libcrypto for cryptsetup, tpm2-tss and signatures: EVP digests, HMAC, PBKDF2, AES, RSA, EC,
# X.509, PKCS#7, PEM. Everything that can be left out is; README.md has what each step saves.
# Threads: none in the initrd (Argon2's are cryptsetup's own). Error texts: the codes stay.
off='apps tests docs makedepend shared pic module dso dynamic-engine engine legacy
	ssl tls dtls quic ktls comp ct ocsp cmp cms ts srp srtp psk nextprotoneg http sock
	ui-console autoload-config err filenames atexit async threads thread-pool
	default-thread-pool secure-memory rfc3779
	aria bf blake2 camellia cast chacha poly1305 cmac des gost idea md4 mdc2 ocb rc2 rc4
	rmd160 scrypt argon2 seed siphash siv sm2 sm3 sm4 whirlpool
	dh dsa ec2m ecx ml-kem ml-dsa slh-dsa multiblock'
case $(uname -m) in
x86_64) target=linux-x86_64 ;;
*) target=linux-$(uname -m) ;;
esac

# The assembler generators ask the compiler which assembler there is. One of 2.24 knows AES-NI,
# SHA-NI and AVX2, but not AVX-512, whose AES-GCM alone is 0.7 MB and is not used here.
mkdir asm
cat >asm/cc-avx2 <<'EOF'
#!/bin/sh
case " $* " in *" -Wa,-v "*) echo "GNU assembler version 2.24"; exit 0 ;; esac
exec lintel-cc "$@"
EOF
chmod 755 asm/cc-avx2
export PATH=$PWD/asm:$PATH

# P-256 by the generic code: its tables for speed are 150 kB that do not compress.
./Configure $target CC=cc-avx2 CFLAGS="$CFLAGS -UECP_NISTZ256_ASM" --prefix=/ \
	--openssldir=/var/empty --libdir=lib $(printf 'no-%s ' $off)
make -j"$JOBS" build_generated
make -j"$JOBS" libcrypto.a
mkdir -p "$DEST/lib" "$DEST/include"
cp libcrypto.a "$DEST/lib/"
cp -r include/openssl "$DEST/include/"
rm -f "$DEST"/include/openssl/*.in
pc libcrypto "$VERSION" -lcrypto

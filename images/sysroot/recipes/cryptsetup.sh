# libcryptsetup alone, with its own Argon2 (threads, SSE): OpenSSL's headers name one even when
# it is configured out. popt is asked for by configure but used by the tools only.
autoreconf -fi
./configure $CONF --disable-udev --disable-external-tokens --disable-ssh-token --disable-nls \
	--disable-luks2-reencryption --disable-asciidoc --disable-cryptsetup --disable-veritysetup \
	--disable-integritysetup --disable-hw-opal --enable-internal-sse-argon2 \
	--with-crypto_backend=openssl --with-luks2-lock-path=/run/cryptsetup \
	ac_cv_lib_popt_poptConfigFileToString=yes ac_cv_have_decl_OSSL_KDF_PARAM_ARGON2_VERSION=no
# Argon2 is what a user waits for: speed, not size
make -j"$JOBS" CFLAGS="${CFLAGS/-Os/-O2}" libargon2.la
make -j"$JOBS" libcryptsetup.la
install -D -m 644 .libs/libcryptsetup.a "$DEST/lib/libcryptsetup.a"
install -D -m 644 lib/libcryptsetup.h "$DEST/include/libcryptsetup.h"
pc libcryptsetup "$VERSION" -lcryptsetup

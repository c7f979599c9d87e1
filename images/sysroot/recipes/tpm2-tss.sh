# ESAPI, SAPI, marshalling and the device TCTI, which is the only one: two static ones clash
echo "$VERSION" >VERSION
# not a git clone: bootstrap asks git for the version
mkdir bin
printf '#!/bin/sh\necho %s\n' "$VERSION" >bin/git
chmod +x bin/git
PATH=$PWD/bin:$PATH ./bootstrap
PATH=$PWD/bin:$PATH ./configure $CONF --with-crypto=ossl --enable-nodl --disable-fapi --disable-policy \
	--disable-doxygen-doc --disable-vendor --disable-weakcrypto \
	--disable-tcti-mssim --disable-tcti-swtpm --disable-tcti-pcap --disable-tcti-libtpms \
	--disable-tcti-cmd --disable-tcti-spi-helper --disable-tcti-spidev --disable-tcti-spi-ftdi \
	--disable-tcti-i2c-helper --with-maxloglevel=none --with-udevrulesdir=/udev
make -j"$JOBS"
make DESTDIR="$DEST" install

# libdevmapper alone
./configure $CONF --enable-static_link --disable-selinux --disable-readline --disable-udev_sync \
	--disable-udev_rules --disable-nls --without-systemd --disable-dmeventd --without-blkid \
	--disable-blkid_wiping --without-systemd-run
make -j"$JOBS" -C include
make -j"$JOBS" -C libdm
install -D -m 644 libdm/ioctl/libdevmapper.a "$DEST/lib/libdevmapper.a"
install -D -m 644 libdm/libdevmapper.h "$DEST/include/libdevmapper.h"
install -D -m 644 libdm/libdevmapper.pc "$DEST/lib/pkgconfig/devmapper.pc"

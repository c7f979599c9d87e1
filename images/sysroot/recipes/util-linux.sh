# libblkid, libuuid
./configure $CONF --disable-all-programs --enable-libuuid --enable-libblkid --disable-nls \
	--disable-asciidoc --disable-poman --without-python --without-systemd --without-udev \
	--without-ncurses --without-ncursesw --without-tinfo --without-econf --disable-bash-completion
make -j"$JOBS" libuuid.la libblkid.la
make -j"$JOBS" DESTDIR="$DEST" install

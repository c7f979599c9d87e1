# libkmod, with no decompression: modules are decompressed when the initrd is made
meson setup b --prefix=/ --libdir=lib --buildtype=plain -Dc_args="$CFLAGS" \
	-Dzstd=disabled -Dxz=disabled -Dzlib=disabled -Dopenssl=disabled \
	-Dtools=false -Dmanpages=false -Dlogging=false -Dmoduledir=/lib/modules \
	-Dbashcompletiondir=no -Dfishcompletiondir=no -Dzshcompletiondir=no
# there is no static library to install: archive the objects of the internal ones
objects=$(ninja -C b -t targets all | sed -n 's/^\(lib.*\.c\.o\): .*/\1/p')
(cd b && ninja $objects && mkdir -p "$DEST/lib" && ar rcD "$DEST/lib/libkmod.a" $objects)
install -D -m 644 libkmod/libkmod.h "$DEST/include/libkmod.h"

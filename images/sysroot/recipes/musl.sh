# libc, start files and the compiler wrapper's specs; the kernel's headers lie beside it
./configure --prefix= --syslibdir=/lib --disable-shared --disable-wrapper CC=gcc \
	CFLAGS="${CFLAGS/-Os/}"
make -j"$JOBS"
make DESTDIR="$DEST" install

cp -a /usr/include/linux /usr/include/asm-generic /usr/include/mtd "$DEST/include/"
asm=/usr/include/asm
[ -d $asm ] || asm=/usr/include/$(gcc -print-multiarch)/asm
cp -a $asm "$DEST/include/asm"

mkdir "$DEST/bin"
cp "$RECIPES/../lintel-cc" "$DEST/bin/lintel-cc"
cp "$RECIPES/../lintel.specs" "$DEST/lib/lintel.specs"
chmod 755 "$DEST/bin/lintel-cc"
# configure scripts look for these names
for lib in m rt pthread dl util; do [ -e "$DEST/lib/lib$lib.a" ] || ar rc "$DEST/lib/lib$lib.a"; done

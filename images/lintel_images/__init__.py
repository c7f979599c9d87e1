"""The build host's side of lintel: what `lintel initrd` and `lintel uki` are made of."""

# cmake -DIN=FILE -DOUT=HEADER -P embed.cmake: a file as the array kProtoSource.
file(READ ${IN} hex HEX)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
file(WRITE ${OUT} "inline constexpr unsigned char kProtoSource[] = {${bytes}};\n")

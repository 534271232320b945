package engine

import "encoding/binary"

// clickhouse-go opens every HTTP connection with this query and decodes its answer at the revision it
// asked for (client_protocol_version). All later answers it decodes at the revision it is told here.
// The library writes Native at revision 0 whatever the client asks for, so this one answer is written
// by hand at the client's revision, and tells 0.
const helloQuery = "SELECT displayName(), version(), revision(), timezone()"

// helloBlock encodes the answer as a Native block of revision 54454 or later: with the block's info in
// front, and after each type a byte that says "no custom serialization".
func helloBlock(version, timezone string) []byte {
	b := []byte{1, 0, 2, 0xff, 0xff, 0xff, 0xff, 0} // block info: is_overflows=0, bucket_num=-1
	b = append(b, 4, 1)                             // columns, rows
	text := func(s string) {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	column := func(name, kind string) {
		text(name)
		text(kind)
		b = append(b, 0)
	}
	column("displayName()", "String")
	text("Throughline embedded")
	column("version()", "String")
	text(version)
	column("revision()", "UInt32")
	b = append(b, 0, 0, 0, 0)
	column("timezone()", "String")
	text(timezone)
	return b
}

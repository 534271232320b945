package broker

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
)

// repair makes a folder that was left by a kill what one left in order is.
//
// It cuts the torn end off the logs of groups and producers: the broker ignores it when it reads them but appends after
// it, so that the start after the next would lose all that was committed since. Then it sees to the partitions.
func repair(dir string, log *slog.Logger) error {
	for _, name := range []string{"groups.log", "pids.log"} {
		path := filepath.Join(dir, name)
		b, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		n := validEntries(b)
		if n == len(b) {
			continue
		}
		log.Warn("broker: torn end cut off", "file", name, "bytes", len(b)-n)
		if err := os.Truncate(path, int64(n)); err != nil {
			return err
		}
	}
	return repairPartitions(dir, log)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// validEntries is the length of the longest prefix made of whole entries: length, CRC-32C, and the bytes they are of,
// little-endian; the length does not count itself and the CRC.
func validEntries(b []byte) int {
	n := 0
	for len(b)-n >= 10 {
		size := int(binary.LittleEndian.Uint32(b[n:]))
		if size < 2 || size > len(b)-n-8 {
			break
		}
		if crc32.Checksum(b[n+8:n+8+size], castagnoli) != binary.LittleEndian.Uint32(b[n+4:]) {
			break
		}
		n += 8 + size
	}
	return n
}

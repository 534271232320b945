package touchpoint

import (
	"bytes"
	"encoding/binary"
	"errors"

	"github.com/throughline/throughline/schemas/identity"
)

// Envelope is the value of a record of topic touchpoints: what routing needs in the clear, then the payload. The
// payload is the touchpoint's JSON; a later flag can say that it is encrypted, without any reader of the header
// noticing.
//
//	byte 0      version, 1
//	byte 1      flags, 0
//	2..17       anchor
//	18..33      content: hash of what the client sent; the same id with another content is a conflict
//	34..41      time, ms since 1970, big endian
//	42..49      received, ms since 1970, big endian
//	then        uvarint length and workspace, uvarint length and id, payload up to the end
type Envelope struct {
	Workspace string
	ID        string
	Anchor    identity.Anchor
	Content   Content
	Time      int64
	Received  int64
	Payload   []byte
}

// Content is the first 128 bits of the SHA-256 of what the client said, without defaults that the server filled
// from its clock: two deliveries of one touchpoint have one content, whenever they come.
type Content [16]byte

// Fingerprint is what the owners of a partition remember of every touchpoint, for ever: 80 bits of its key and 48
// of its content. At a thousand million touchpoints two keys meet with a probability below one in a million.
type Fingerprint struct {
	Key     [10]byte
	Content [6]byte
}

const envelopeVersion = 1
const envelopeHead = 50

// ErrBadEnvelope is returned when a record of topic touchpoints is not an envelope that this version reads.
var ErrBadEnvelope = errors.New("touchpoint: not an envelope of version 1")

// FingerprintOf cuts a fingerprint from a key and a content.
func FingerprintOf(k Key, c Content) (f Fingerprint) {
	copy(f.Key[:], k[:])
	copy(f.Content[:], c[:])
	return f
}

// Append writes the envelope to the end of dst.
func (e *Envelope) Append(dst []byte) []byte {
	dst = append(dst, envelopeVersion, 0)
	dst = append(dst, e.Anchor[:]...)
	dst = append(dst, e.Content[:]...)
	dst = binary.BigEndian.AppendUint64(dst, uint64(e.Time))
	dst = binary.BigEndian.AppendUint64(dst, uint64(e.Received))
	dst = binary.AppendUvarint(dst, uint64(len(e.Workspace)))
	dst = append(dst, e.Workspace...)
	dst = binary.AppendUvarint(dst, uint64(len(e.ID)))
	dst = append(dst, e.ID...)
	return append(dst, e.Payload...)
}

// DecodeEnvelope reads an envelope. Payload aliases data.
func DecodeEnvelope(data []byte) (e Envelope, err error) {
	if len(data) < envelopeHead || data[0] != envelopeVersion || data[1] != 0 {
		return e, ErrBadEnvelope
	}
	copy(e.Anchor[:], data[2:])
	copy(e.Content[:], data[18:])
	e.Time = int64(binary.BigEndian.Uint64(data[34:]))
	e.Received = int64(binary.BigEndian.Uint64(data[42:]))
	rest := data[envelopeHead:]
	workspace, rest, ok := cut(rest)
	if !ok {
		return e, ErrBadEnvelope
	}
	id, rest, ok := cut(rest)
	if !ok {
		return e, ErrBadEnvelope
	}
	e.Workspace, e.ID, e.Payload = string(workspace), string(id), rest
	return e, nil
}

// cut takes a length-prefixed part off the front.
func cut(b []byte) (part, rest []byte, ok bool) {
	n, w := binary.Uvarint(b)
	if w <= 0 || n > uint64(len(b)-w) {
		return nil, nil, false
	}
	return b[w : w+int(n)], b[w+int(n):], true
}

// RecordKey is the key of the touchpoint's record. All uses of one id meet in one partition, whose owner decides
// by offset which came first.
func RecordKey(workspace, id string) []byte {
	return AppendRecordKey(make([]byte, 0, len(workspace)+1+len(id)), workspace, id)
}

// AppendRecordKey writes what RecordKey returns to the end of dst.
func AppendRecordKey(dst []byte, workspace, id string) []byte {
	dst = append(dst, workspace...)
	dst = append(dst, '/')
	return append(dst, id...)
}

// WorkspaceOfKey reads the workspace off a record's key, for records whose value cannot be read; "" when the key does not say.
func WorkspaceOfKey(key []byte) string {
	name, _, ok := bytes.Cut(key, []byte{'/'})
	if !ok {
		return ""
	}
	return string(name)
}

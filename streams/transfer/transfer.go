// Package transfer decides about links by which a conversation goes on in another channel: who may open one, and who was first.
//
// # What is not obvious
//
//   - Who was first is decided by the log and by nothing else: whoever wants to open a transfer writes a claim, reads the log up to it,
//     and has won when no claim about the transfer is before it. So two instances, or one that was killed in between, never both open it.
//   - A link is signed with the secret of its workspace, and is read with that of the workspace that asks: a link of another workspace
//     looks like a forged one, and nothing tells the two apart.
//   - The log keeps a hash of the code and not the code: whoever reads the log cannot open anything.
package transfer

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/throughline/throughline/schemas/transfer"
)

// Why somebody is not let in.
var (
	ErrForged  = errors.New("transfer: no such link")            // forged, of another workspace, or a code that is not in force
	ErrExpired = errors.New("transfer: expired")                 // too late
	ErrUsed    = errors.New("transfer: opened already")          // by somebody, perhaps by the same
	ErrChannel = errors.New("transfer: meant for another place") // opened in another channel than offered
)

const (
	idSize   = 12 // bytes of an id, random
	macSize  = 16
	codeSize = 8 // digits
)

// Token is the link's secret part: id, when it expires, and a signature over both and the workspace.
func Token(secret []byte, workspace, id string, expires int64) (string, error) {
	raw, err := hex.DecodeString(id)
	if err != nil || len(raw) != idSize {
		return "", fmt.Errorf("transfer: %q is no id", id)
	}
	body := binary.BigEndian.AppendUint64(raw, uint64(expires))
	return base64.RawURLEncoding.EncodeToString(append(body, sign(secret, "token", workspace, string(body))...)), nil
}

// ReadToken reads a token of the workspace. The error is ErrForged or ErrExpired; of an expired one the id is returned too.
func ReadToken(secret []byte, workspace, token string, now int64) (id string, err error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) != idSize+8+macSize {
		return "", ErrForged
	}
	body, mac := raw[:idSize+8], raw[idSize+8:]
	if !hmac.Equal(mac, sign(secret, "token", workspace, string(body))) {
		return "", ErrForged
	}
	id = hex.EncodeToString(body[:idSize])
	if now >= int64(binary.BigEndian.Uint64(body[idSize:])) {
		return id, ErrExpired
	}
	return id, nil
}

// NewID writes random bytes, of which there must be 12, as an id.
func NewID(random []byte) string { return hex.EncodeToString(random[:idSize]) }

// Code makes eight digits of random bytes, of which there must be 8: short enough to be said on the phone.
func Code(random []byte) string {
	return fmt.Sprintf("%08d", binary.BigEndian.Uint64(random)%100_000_000)
}

// PlainCode is a code without what people write between its digits; ok is false when it is none.
func PlainCode(said string) (code string, ok bool) {
	code = strings.NewReplacer(" ", "", "-", "", ".", "").Replace(said)
	return code, len(code) == codeSize && strings.Trim(code, "0123456789") == ""
}

// HashCode is what the log keeps of a code.
func HashCode(secret []byte, workspace, code string) string {
	return hex.EncodeToString(sign(secret, "code", workspace, code))
}

// Attempt names a claim by what the client calls it, so that a request that broke off can be sent again as the same one.
func Attempt(secret []byte, workspace, id, name, channel string, identifiers []string) string {
	return hex.EncodeToString(sign(secret, "attempt", append([]string{workspace, id, name, channel}, identifiers...)...))
}

func sign(secret []byte, use string, parts ...string) []byte {
	mac := hmac.New(sha256.New, secret)
	for _, part := range append([]string{"transfer", use}, parts...) {
		mac.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		mac.Write([]byte(part))
	}
	return mac.Sum(nil)[:macSize]
}

// Book is what the log says of transfers that have not expired. It is not safe for concurrent use.
type Book struct {
	entries map[[2]string]*entry // by workspace and id
	codes   map[[2]string]string // workspace and hash of a code -> id
}

type entry struct {
	offer transfer.Offer
	claim string // attempt of the first claim
	at    int64  // when it was made
}

// NewBook makes an empty one.
func NewBook() *Book { return &Book{entries: map[[2]string]*entry{}, codes: map[[2]string]string{}} }

// Apply takes in a record; all must come in the order of the log.
func (b *Book) Apply(r *transfer.Record) {
	key := [2]string{r.Workspace, r.ID}
	e := b.entries[key]
	switch {
	case r.Offer != nil && e == nil:
		b.entries[key] = &entry{offer: *r.Offer}
		b.codes[[2]string{r.Workspace, r.Offer.Code}] = r.ID
	case r.Claim != nil && e != nil && e.claim == "":
		e.claim, e.at = r.Claim.Attempt, r.At
	}
}

// Forget leaves out what expired before a time, in ms since 1970.
func (b *Book) Forget(before int64) {
	for key, e := range b.entries {
		if e.offer.Expires < before {
			delete(b.codes, [2]string{key[0], e.offer.Code})
			delete(b.entries, key)
		}
	}
}

// Offer is what was offered; ok is false when nothing was, or it expired long ago.
func (b *Book) Offer(workspace, id string) (o transfer.Offer, ok bool) {
	if e := b.entries[[2]string{workspace, id}]; e != nil {
		return e.offer, true
	}
	return o, false
}

// ByCode finds the transfer of a code's hash. The error is ErrForged or ErrExpired.
func (b *Book) ByCode(workspace, hash string, now int64) (id string, err error) {
	id, ok := b.codes[[2]string{workspace, hash}]
	if !ok {
		return "", ErrForged
	}
	if now >= b.entries[[2]string{workspace, id}].offer.CodeExpires {
		return id, ErrExpired
	}
	return id, nil
}

// May tells whether somebody in a channel may open the transfer: nil, ErrForged, ErrExpired, ErrChannel, or ErrUsed unless it was by
// the same attempt.
func (b *Book) May(workspace, id, channel, attempt string, now int64) error {
	e := b.entries[[2]string{workspace, id}]
	switch {
	case e == nil:
		return ErrForged
	case e.claim != "" && e.claim != attempt:
		return ErrUsed
	case now >= e.offer.Expires:
		return ErrExpired
	case channel != e.offer.Channel:
		return ErrChannel
	}
	return nil
}

// Claimed is the attempt that opened the transfer, and when, in ms since 1970; empty while none has.
func (b *Book) Claimed(workspace, id string) (attempt string, at int64) {
	if e := b.entries[[2]string{workspace, id}]; e != nil {
		return e.claim, e.at
	}
	return "", 0
}

// Len is how many transfers there are.
func (b *Book) Len() int { return len(b.entries) }

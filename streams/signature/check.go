package signature

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha1"
	_ "crypto/sha256" // registers the hash
	_ "crypto/sha512" // likewise
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
)

var hashes = map[string]crypto.Hash{"sha1": crypto.SHA1, "sha256": crypto.SHA256, "sha512": crypto.SHA512}

var encodings = map[string]func(string) ([]byte, error){
	"hex":       hex.DecodeString,
	"base64":    base64.StdEncoding.DecodeString,
	"base64url": base64.RawURLEncoding.DecodeString,
	"text":      func(s string) ([]byte, error) { return []byte(s), nil },
}

// ErrBadSecret is returned for a secret that is not written as the proof says. It does not name the secret.
var ErrBadSecret = errors.New("signature: the secret is not written as it should be")

func (p *Proof) key(secret string) ([]byte, error) {
	if p.Key == "" {
		return []byte(secret), nil
	}
	if p.Key == "pem" {
		block, _ := pem.Decode([]byte(secret))
		if block == nil {
			return nil, fmt.Errorf("%w: want PEM", ErrBadSecret)
		}
		return block.Bytes, nil
	}
	key, err := encodings[p.Key](secret)
	if err != nil {
		return nil, fmt.Errorf("%w: want %s", ErrBadSecret, p.Key)
	}
	return key, nil
}

// given are the signatures of the request. One that is not written as it should be is nobody's.
func (p *Proof) given(r *Request) (out [][]byte) {
	for _, text := range p.Signature.values(r) {
		if sig, err := encodings[p.Encoding](text); err == nil {
			out = append(out, sig)
		}
	}
	return out
}

func checkHMAC(p *Proof, r *Request, secret string) (bool, error) {
	key, err := p.key(secret)
	if err != nil {
		return false, err
	}
	mac := hmac.New(hashes[p.Hash].New, key)
	p.writeSigned(mac, r)
	want := mac.Sum(nil)
	good := false
	for _, sig := range p.given(r) {
		good = hmac.Equal(sig, want) || good
	}
	return good, nil
}

func checkEd25519(p *Proof, r *Request, secret string) (bool, error) {
	key, err := p.key(secret)
	if err != nil {
		return false, err
	}
	if len(key) != ed25519.PublicKeySize {
		return false, fmt.Errorf("%w: a public key of Ed25519 has %d bytes", ErrBadSecret, ed25519.PublicKeySize)
	}
	message := p.SignedText(r)
	return slices.ContainsFunc(p.given(r), func(sig []byte) bool { return ed25519.Verify(key, message, sig) }), nil
}

func checkECDSA(p *Proof, r *Request, secret string) (bool, error) {
	der, err := p.key(secret)
	if err != nil {
		return false, err
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	key, ok := parsed.(*ecdsa.PublicKey)
	if err != nil || !ok {
		return false, fmt.Errorf("%w: want a public key of ECDSA", ErrBadSecret)
	}
	h := hashes[p.Hash].New()
	p.writeSigned(h, r)
	sum := h.Sum(nil)
	return slices.ContainsFunc(p.given(r), func(sig []byte) bool { return ecdsa.VerifyASN1(key, sum, sig) }), nil
}

func checkToken(p *Proof, r *Request, secret string) (bool, error) {
	return equal(p.Signature.Value(r), secret), nil
}

func checkBasic(_ *Proof, r *Request, secret string) (bool, error) {
	scheme, rest, _ := strings.Cut(r.Header("Authorization"), " ")
	got, err := base64.StdEncoding.DecodeString(strings.TrimSpace(rest))
	if !strings.EqualFold(scheme, "Basic") || err != nil {
		return false, ErrMissing
	}
	return equal(string(got), secret), nil
}

// checkSorted is that of WeChat: the hexadecimal SHA-1 of token, timestamp, nonce and, in encrypted mode, the encrypted
// text, sorted and joined.
func checkSorted(p *Proof, r *Request, secret string) (bool, error) {
	all := append(p.SignedValues(r), secret)
	slices.Sort(all)
	sum := sha1.Sum([]byte(strings.Join(all, "")))
	return slices.ContainsFunc(p.given(r), func(sig []byte) bool { return subtle.ConstantTimeCompare(sig, sum[:]) == 1 }), nil
}

// equal compares hashes of the two, so that not even the length of the secret shows in the time.
func equal(a, b string) bool {
	x, y := crypto.SHA256.New(), crypto.SHA256.New()
	x.Write([]byte(a))
	y.Write([]byte(b))
	return subtle.ConstantTimeCompare(x.Sum(nil), y.Sum(nil)) == 1
}

// Sign is the signature that Verify wants of a request, for methods that sign with the secret itself; ok is false for the
// others. It is for handshakes that ask for a signature, and for tests.
func (p *Proof) Sign(text []byte, secret string) (signature string, err error) {
	if p.Method != HMAC {
		return "", fmt.Errorf("signature: %s does not sign with a secret", p.Method)
	}
	key, err := p.key(secret)
	if err != nil {
		return "", err
	}
	mac := hmac.New(hashes[p.Hash].New, key)
	mac.Write(text)
	sum := mac.Sum(nil)
	switch p.Encoding {
	case "hex":
		return hex.EncodeToString(sum), nil
	case "base64url":
		return base64.RawURLEncoding.EncodeToString(sum), nil
	}
	return base64.StdEncoding.EncodeToString(sum), nil
}

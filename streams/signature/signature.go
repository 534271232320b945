// Package signature tells whether a request was made by who knows a secret. Each provider proves itself in a way of its own;
// Methods is the table of those that are known, and Proof says which one, with the places it looks in.
//
// It is pure: the time is given. Comparisons take the same time whatever differs.
package signature

import (
	"errors"
	"fmt"
	"net/textproto"
	"net/url"
	"strings"
	"time"
)

// Errors of Verify. All mean that the request proves nothing; they are told apart for counting.
var (
	// ErrMissing is returned when the request has no signature, or no time that the method needs.
	ErrMissing = errors.New("signature: missing")
	// ErrForged is returned when no secret gives the signature.
	ErrForged = errors.New("signature: does not match")
	// ErrStale is returned for a request that was signed too long ago, or in the future.
	ErrStale = errors.New("signature: outside the window")
	// ErrNoSecret is returned when there is no secret to check with.
	ErrNoSecret = errors.New("signature: no secret is set")
)

// Request is what a proof is about.
type Request struct {
	Method  string
	URL     string // as the sender wrote it: scheme, host, path and query
	Query   url.Values
	Headers map[string][]string // by names in canonical form
	Body    []byte
	// Certificates are those that the request names, once they were asked for with a *WantedError.
	Certificates *Certificates
	// Field reads a field of the body, for providers that put the signature there; nil: none.
	Field func(path string) string
}

// Header is the first value of a header, whose name may be in any case.
func (r *Request) Header(name string) string {
	if values := r.Headers[textproto.CanonicalMIMEHeaderKey(name)]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// Place says where a value is in a request: one of the three.
type Place struct {
	Header string `yaml:"header"`
	Query  string `yaml:"query"`
	Body   string `yaml:"body"` // path
	// Part names a part of a list such as "t=1492774577,v1=5257a8": its value is the one behind v1=.
	Part string `yaml:"part"`
	// Prefix is in front of the value, such as "sha256=".
	Prefix string `yaml:"prefix"`
}

// Given tells whether the place is named.
func (p Place) Given() bool { return p.Header != "" || p.Query != "" || p.Body != "" }

// values are what is there: several when a part is there several times, as while a secret is rotated.
func (p Place) values(r *Request) []string {
	var whole string
	switch {
	case p.Header != "":
		whole = r.Header(p.Header)
	case p.Query != "":
		whole = r.Query.Get(p.Query)
	case p.Body != "" && r.Field != nil:
		whole = r.Field(p.Body)
	}
	all := []string{whole}
	if p.Part != "" {
		all = nil
		for part := range strings.SplitSeq(whole, ",") {
			if name, value, ok := strings.Cut(strings.TrimSpace(part), "="); ok && name == p.Part {
				all = append(all, value)
			}
		}
	}
	out := all[:0]
	for _, v := range all {
		if v, ok := strings.CutPrefix(strings.TrimSpace(v), p.Prefix); ok && v != "" {
			out = append(out, v)
		}
	}
	return out
}

// Value is what is there; empty when nothing is.
func (p Place) Value(r *Request) string {
	if all := p.values(r); len(all) > 0 {
		return all[0]
	}
	return ""
}

// Proof is how requests of a source prove themselves.
type Proof struct {
	Method Method `yaml:"method"`
	// Signature is where the signature or token is.
	Signature Place `yaml:"signature"`
	// Signed is what is signed, a text with parts in braces: {body}, {timestamp}, {url}, {params} (of a form: names and
	// values, sorted by name), {header:NAME}, {query:NAME} and {body:PATH}.
	Signed string `yaml:"signed"`
	// Hash of HMAC and ECDSA: sha1, sha256 or sha512.
	Hash string `yaml:"hash"`
	// Encoding of the signature: hex, base64, base64url or text.
	Encoding string `yaml:"encoding"`
	// Key is how the secret is written: text (the default), hex, base64, or for public keys pem or base64 of DER.
	Key string `yaml:"key"`
	// Secret names the secret: by default "secret".
	Secret string `yaml:"secret"`
	// Timestamp is when the request was signed, where the method says so.
	Timestamp Place `yaml:"timestamp"`
	// TimestampFormat is epoch_s (the default), epoch_ms or rfc3339.
	TimestampFormat string `yaml:"timestamp_format"`
	// Window is how far the timestamp may be from now.
	Window time.Duration `yaml:"window"`
	// Certificate is where the signer's certificate is, where the method says so.
	Certificate CertificatePlace `yaml:"certificate"`
	// Or is the proof of requests that have nothing at the place of the signature.
	Or *Proof `yaml:"or"`
}

// Method is a way to prove oneself.
type Method string

// The methods.
const (
	HMAC    Method = "hmac"    // a keyed hash of what is signed
	Ed25519 Method = "ed25519" // with a public key
	ECDSA   Method = "ecdsa"   // likewise: ASN.1 signature over the hash
	Token   Method = "token"   // the secret itself, in a header
	Basic   Method = "basic"   // the secret as user:password (RFC 7617)
	Sorted  Method = "sorted"  // SHA-1 of the secret and the values that Signed names, sorted (WeChat)
	// Certificate is a signature of the body by RSA (PKCS #1 v1.5), by the key of a certificate that the request tells the address of.
	Certificate Method = "certificate"
	URLKey      Method = "url-key" // nothing but the source key in the URL: for providers that have no better
)

// DefaultWindow is how far a timestamp may be from now where a proof does not say.
const DefaultWindow = 5 * time.Minute

// Methods lists the table, in its order.
func Methods() []Method {
	out := make([]Method, len(methods))
	for i, m := range methods {
		out[i] = m.name
	}
	return out
}

// methods is the one table of what each needs and how it is checked.
var methods = []struct {
	name   Method
	signed bool                                                    // it needs Signed
	hashed bool                                                    // it needs Hash
	place  bool                                                    // it needs Signature
	check  func(p *Proof, r *Request, secret string) (bool, error) // nil: it has no secret
}{
	{HMAC, true, true, true, checkHMAC},
	{Ed25519, true, false, true, checkEd25519},
	{ECDSA, true, true, true, checkECDSA},
	{Token, false, false, true, checkToken},
	{Basic, false, false, false, checkBasic},
	{Sorted, true, false, true, checkSorted},
	{Certificate, false, true, true, nil},
	{URLKey, false, false, false, nil},
}

// Validate fills what is left out and reports what is missing or makes no sense.
func (p *Proof) Validate() error {
	i := indexOf(p.Method)
	if i < 0 {
		return fmt.Errorf("method: %q is none of %q", p.Method, Methods())
	}
	m := &methods[i]
	switch {
	case m.signed != (p.Signed != ""):
		return fmt.Errorf("signed: %s %s", p.Method, needs(m.signed))
	case m.hashed != (p.Hash != ""):
		return fmt.Errorf("hash: %s %s", p.Method, needs(m.hashed))
	case m.place != p.Signature.Given():
		return fmt.Errorf("signature: %s %s", p.Method, needs(m.place))
	case m.hashed && hashes[p.Hash] == 0:
		return fmt.Errorf("hash: %q is none of sha1, sha256, sha512", p.Hash)
	}
	if p.Encoding == "" {
		p.Encoding = "text"
		if m.signed {
			p.Encoding = "hex"
		}
	}
	if encodings[p.Encoding] == nil {
		return fmt.Errorf("encoding: %q is none of hex, base64, base64url, text", p.Encoding)
	}
	if p.Key != "" && p.Key != "pem" && encodings[p.Key] == nil {
		return fmt.Errorf("key: %q is none of text, hex, base64, base64url, pem", p.Key)
	}
	if p.Secret == "" && m.check != nil {
		p.Secret = "secret"
	}
	if (p.Method == Certificate) != (p.Certificate != CertificatePlace{}) {
		return fmt.Errorf("certificate: %s %s", p.Method, needs(p.Method == Certificate))
	}
	if p.Method == Certificate {
		if err := p.Certificate.validate(); err != nil {
			return err
		}
	}
	if !p.Timestamp.Given() && (p.Window != 0 || p.TimestampFormat != "" || strings.Contains(p.Signed, "{timestamp}")) {
		return errors.New("timestamp: say where it is")
	}
	if p.Window < 0 || p.Window > 24*time.Hour {
		return fmt.Errorf("window: %s is not between 0 and 24h", p.Window)
	}
	if p.Window == 0 && p.Timestamp.Given() {
		p.Window = DefaultWindow
	}
	switch p.TimestampFormat {
	case "", "epoch_s", "epoch_ms", "rfc3339":
	default:
		return fmt.Errorf("timestamp_format: %q is none of epoch_s, epoch_ms, rfc3339", p.TimestampFormat)
	}
	if p.Or != nil {
		if !p.Signature.Given() || p.Or.Or != nil {
			return errors.New("or: stands for a signature that is not there, and has no other behind it")
		}
		if err := p.Or.Validate(); err != nil {
			return fmt.Errorf("or.%w", err)
		}
		if p.Secret == "" {
			p.Secret = p.Or.Secret
		}
	}
	return checkTemplate(p.Signed)
}

func needs(it bool) string {
	if it {
		return "needs it"
	}
	return "has no use for it"
}

func indexOf(m Method) int {
	for i := range methods {
		if methods[i].name == m {
			return i
		}
	}
	return -1
}

// Verify returns nil when one of the secrets, or the certificate, gives the signature and the request is in the window. Two secrets are
// there while one is replaced. The error is one of those above, perhaps wrapped, or a *WantedError.
func (p *Proof) Verify(r *Request, secrets []string, now time.Time) error {
	if p.Or != nil && p.Signature.Value(r) == "" {
		return p.Or.Verify(r, secrets, now)
	}
	i := indexOf(p.Method)
	if i < 0 {
		return fmt.Errorf("signature: no method %q", p.Method)
	}
	if p.Method == URLKey {
		return nil
	}
	if methods[i].check != nil && len(secrets) == 0 {
		return ErrNoSecret
	}
	if p.Timestamp.Given() {
		if err := p.inWindow(r, now); err != nil {
			return err
		}
	}
	if methods[i].place && p.Signature.Value(r) == "" {
		return ErrMissing
	}
	if p.Method == Certificate {
		return p.byCertificate(r, now)
	}
	good := false
	for _, secret := range secrets { // all of them, so that the time says nothing of which
		ok, err := methods[i].check(p, r, secret)
		if err != nil {
			return err
		}
		good = good || ok
	}
	if !good {
		return ErrForged
	}
	return nil
}

package sourcetest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"testing"
	"time"
)

// Issuer issues certificates as the authority does that a provider has its own from.
type Issuer struct {
	Roots *x509.CertPool // that trust it

	root, between       *x509.Certificate
	rootKey, betweenKey *ecdsa.PrivateKey
}

// NewIssuer makes an authority with a root and one below it, good from that year on.
func NewIssuer(tb testing.TB, year int) *Issuer {
	tb.Helper()
	i := &Issuer{Roots: x509.NewCertPool()}
	from, until := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(year+20, 1, 1, 0, 0, 0, 0, time.UTC)
	authority := func(name string) *x509.Certificate {
		return &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: from, NotAfter: until,
			IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	}
	i.rootKey, i.betweenKey = newKey(tb), newKey(tb)
	root := authority("root")
	i.root = issue(tb, root, root, &i.rootKey.PublicKey, i.rootKey)
	i.between = issue(tb, authority("between"), i.root, &i.betweenKey.PublicKey, i.rootKey)
	i.Roots.AddCert(i.root)
	return i
}

// Signer issues a certificate for a name: its chain as a provider serves it, and what signs a body with it.
func (i *Issuer) Signer(tb testing.TB, name string, from, until time.Time) (chain []byte, sign func(body []byte) string) {
	tb.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		tb.Fatal(err)
	}
	signer := issue(tb, &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: from, NotAfter: until, KeyUsage: x509.KeyUsageDigitalSignature}, i.between, &key.PublicKey, i.betweenKey)
	for _, c := range []*x509.Certificate{signer, i.between} {
		chain = append(chain, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return chain, func(body []byte) string {
		sum := sha256.Sum256(body)
		signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
		if err != nil {
			tb.Fatal(err)
		}
		return base64.StdEncoding.EncodeToString(signature)
	}
}

func newKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func issue(tb testing.TB, cert, by *x509.Certificate, key any, with *ecdsa.PrivateKey) *x509.Certificate {
	tb.Helper()
	der, err := x509.CreateCertificate(rand.Reader, cert, by, key, with)
	if err != nil {
		tb.Fatal(err)
	}
	out, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

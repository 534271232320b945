package signature

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"
	"time"
)

// CertificatePlace says where a request tells the address of the certificate that it is signed with, and which are believed. The rules are
// those of Amazon for requests to Alexa skills: https://developer.amazon.com/docs/alexa/custom-skills/host-a-custom-skill-as-a-web-service.html
type CertificatePlace struct {
	// Header has the address.
	Header string `yaml:"header"`
	// Under is what the address begins with: https, a host, and a path that ends with a slash.
	Under string `yaml:"under"`
	// Name is the host that the certificate must be for, among its alternative names.
	Name string `yaml:"name"`
}

// Certificates are what a signature by certificate is checked with.
type Certificates struct {
	Chain []byte         // PEM, the signer's first
	Roots *x509.CertPool // who is trusted
}

// WantedError is returned while the certificates at URL are not at hand: fetch them, and ask again.
type WantedError struct {
	URL string // in one form, however the request writes it
}

func (e *WantedError) Error() string {
	return "signature: the certificates at " + e.URL + " are wanted"
}

func (c *CertificatePlace) validate() error {
	u, err := url.Parse(c.Under)
	switch {
	case c.Header == "" || c.Name == "":
		return errors.New("certificate: say header, under and name")
	case err != nil || u.Scheme != "https" || u.Hostname() == "" || u.Port() != "" || !strings.HasSuffix(u.Path, "/"):
		return fmt.Errorf("certificate.under: %q is not like https://host/path/", c.Under)
	}
	return nil
}

// address is where the certificates of a request are; ok is false where nobody may look.
func (c *CertificatePlace) address(given string) (address string, ok bool) {
	u, err := url.Parse(given)
	under, _ := url.Parse(c.Under) // Validate has seen it
	if err != nil || under == nil || u.Opaque != "" || u.User != nil || u.RawQuery != "" {
		return "", false
	}
	clean := path.Clean("/" + u.Path) // .. leads out of the folder
	if !strings.EqualFold(u.Scheme, "https") || !strings.EqualFold(u.Hostname(), under.Hostname()) || u.Port() != "" && u.Port() != "443" ||
		!strings.HasPrefix(clean, under.Path) {
		return "", false
	}
	return (&url.URL{Scheme: "https", Host: under.Host, Path: clean}).String(), true
}

// byCertificate is Verify by the certificate that the request names.
func (p *Proof) byCertificate(r *Request, now time.Time) error {
	given := r.Header(p.Certificate.Header)
	if given == "" {
		return ErrMissing
	}
	address, ok := p.Certificate.address(given)
	if !ok {
		return ErrForged
	}
	if r.Certificates == nil {
		return &WantedError{URL: address}
	}
	signer, err := r.Certificates.Signer(p.Certificate.Name, now)
	if err != nil {
		return err
	}
	key, ok := signer.PublicKey.(*rsa.PublicKey)
	if !ok {
		return ErrForged
	}
	hash := hashes[p.Hash]
	h := hash.New()
	h.Write(r.Body)
	sum := h.Sum(nil)
	for _, sig := range p.given(r) {
		if rsa.VerifyPKCS1v15(key, hash, sum, sig) == nil {
			return nil
		}
	}
	return ErrForged
}

// maxChain is how many certificates are looked at: chains have three or four.
const maxChain = 10

// Signer is the first certificate of the chain, when it is in force now, is for that name, and leads to one of the roots. The error wraps ErrForged.
func (c *Certificates) Signer(name string, now time.Time) (*x509.Certificate, error) {
	var signer *x509.Certificate
	others := x509.NewCertPool()
	rest := c.Chain
	for range maxChain {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%w: certificate: %w", ErrForged, err)
		}
		if signer == nil {
			signer = cert
		} else {
			others.AddCert(cert)
		}
	}
	if signer == nil {
		return nil, fmt.Errorf("%w: there is no certificate", ErrForged)
	}
	_, err := signer.Verify(x509.VerifyOptions{DNSName: name, Roots: c.Roots, Intermediates: others, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	if err != nil {
		return nil, fmt.Errorf("%w: certificate: %w", ErrForged, err)
	}
	return signer, nil
}

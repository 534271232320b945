// Package source is the language of webhooks: a file says how a provider's request proves itself, which handshakes it
// makes, and what touchpoints its body holds. The mapping is that of package mapping.
//
// A source file is a mapping file with format json, form or xml, and beside it
//
//	label: Zendesk
//	family: help desk
//	documentation: [https://developer.zendesk.com/...]  # where the fixtures and the signature are from
//	proof:                                              # see package signature
//	  method: hmac
//	  hash: sha256
//	  encoding: base64
//	  signature: {header: X-Zendesk-Webhook-Signature}
//	  timestamp: {header: X-Zendesk-Webhook-Signature-Timestamp}
//	  timestamp_format: rfc3339
//	  signed: "{timestamp}{body}"
//	handshakes:                                         # requests that want an answer and carry no touchpoint
//	  - method: GET
//	    when: 'request.query["hub.mode"] == "subscribe"'
//	    token: {query: hub.verify_token}                # proves itself by the source key instead of by proof
//	    answer: 'request.query["hub.challenge"]'        # may call sign(text), which signs as proof says
//	  - method: POST
//	    when: 'request.headers["content-type"] == "application/x-www-form-urlencoded"'
//	    unproven: true                                  # a ping without proof, of which nothing is stored
//	    answer: '"ok"'
//	answer: {type: text/xml, body: <Response/>}         # what every good request is told; JSON when absent
//	encrypted: wechat                                   # the body is to be decrypted first
//
// Source is pure: requests, secrets and the time are values.
package source

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"github.com/throughline/throughline/streams/mapping"
	"github.com/throughline/throughline/streams/signature"
)

// document is the YAML of a source file.
type document struct {
	Label         mapping.Located  `yaml:"label"`
	Family        mapping.Located  `yaml:"family"`
	Documentation []string         `yaml:"documentation"`
	Proof         proofSpec        `yaml:"proof"`
	Handshakes    []handshakeSpec  `yaml:"handshakes"`
	Answer        *answerSpec      `yaml:"answer"`
	Encrypted     mapping.Located  `yaml:"encrypted"`
	Mapping       mapping.Document `yaml:",inline"`
}

// proofSpec is a proof that knows where it stands.
type proofSpec struct {
	proof signature.Proof
	fail  func(string, ...any) error
}

// UnmarshalYAML reads the proof.
func (p *proofSpec) UnmarshalYAML(n ast.Node) error {
	p.fail = mapping.At(n)
	return yaml.NodeToValue(n, &p.proof, yaml.DisallowUnknownField())
}

type handshakeSpec struct {
	Method   mapping.Located `yaml:"method"`
	When     mapping.Located `yaml:"when"`
	Token    signature.Place `yaml:"token"`
	Unproven bool            `yaml:"unproven"`
	Type     string          `yaml:"type"`
	Answer   mapping.Located `yaml:"answer"`
}

type answerSpec struct {
	Type string `yaml:"type"`
	Body string `yaml:"body"`
}

// Source is a compiled source file. It does not change and may be shared.
type Source struct {
	Name, Label, Family string
	Documentation       []string // addresses
	Proof               signature.Proof
	Mapping             *mapping.Mapping
	// Answer is what a good request is told; nil leaves it to the door.
	Answer *Answer

	handshakes  []handshake
	encrypted   bool
	usesRequest bool
}

// Answer is an answer to a request.
type Answer struct {
	Type string // media type
	Body string
}

// Families are the kinds of sources, in the order in which they are listed.
var Families = []string{"help desk", "messenger", "phone", "mail", "shop", "survey", "forum", "voice assistant", "other"}

// Parse reads and compiles a source file. Errors wrap mapping.ErrBadMapping and name line and column.
func Parse(data []byte) (*Source, error) {
	var f document
	if err := mapping.Decode(data, &f); err != nil {
		return nil, err
	}
	m, err := f.Mapping.Compile()
	if err != nil {
		return nil, err
	}
	s := &Source{Name: m.Name, Label: f.Label.String(), Family: f.Family.String(), Documentation: f.Documentation, Mapping: m}
	if m.Format != mapping.JSON && m.Format != mapping.Form && m.Format != mapping.XML {
		return nil, f.Label.Errorf("format: a source has json, form or xml")
	}
	if !validName(s.Name) {
		return nil, f.Label.Errorf("name: %q is not 1 to 64 lower-case letters, digits and -", s.Name)
	}
	if s.Label == "" {
		return nil, f.Label.Errorf("label: a source needs a name for people")
	}
	if !slices.Contains(Families, s.Family) {
		return nil, f.Family.Errorf("family: %q is none of %q", s.Family, Families)
	}
	if f.Proof.fail == nil {
		return nil, f.Label.Errorf("proof: say how requests prove themselves; method %s when they cannot", signature.URLKey)
	}
	if err := f.Proof.proof.Validate(); err != nil {
		return nil, f.Proof.fail("proof.%w", err)
	}
	s.Proof = f.Proof.proof
	if f.Answer != nil {
		s.Answer = &Answer{f.Answer.Type, f.Answer.Body}
	}
	if f.Encrypted.Given() {
		if f.Encrypted.String() != "wechat" {
			return nil, f.Encrypted.Errorf("encrypted: %q is not wechat", f.Encrypted)
		}
		s.encrypted = true
	}
	for i := range f.Handshakes {
		h, err := compileHandshake(m, &f.Handshakes[i])
		if err != nil {
			return nil, fmt.Errorf("%w (handshakes[%d])", err, i)
		}
		s.handshakes = append(s.handshakes, h)
	}
	s.usesRequest = m.UsesRequest()
	return s, nil
}

// Secrets are the names of the secrets that the source needs, such as "secret".
func (s *Source) Secrets() []string {
	var out []string
	if s.Proof.Secret != "" {
		out = append(out, s.Proof.Secret)
	}
	if s.encrypted {
		out = append(out, aesKey, appID)
	}
	return out
}

// Methods are the HTTP methods that the source answers.
func (s *Source) Methods() []string {
	out := []string{post}
	for _, h := range s.handshakes {
		if !slices.Contains(out, h.method) {
			out = append(out, h.method)
		}
	}
	return out
}

func validName(name string) bool {
	if name == "" || len(name) > 64 {
		return false
	}
	return strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == "" && name[0] != '-'
}

// Errors of a request, besides those of package signature, mapping.ErrBadBody and mapping.ErrTooManyItems.
var (
	// ErrMethod is returned for a method that the source does not answer.
	ErrMethod = errors.New("source: this method is not answered")
	// ErrHandshake is returned for a handshake that cannot be answered.
	ErrHandshake = errors.New("source: this handshake has no answer")
	// ErrEncrypted is returned for a body that does not decrypt with any key.
	ErrEncrypted = errors.New("source: the body does not decrypt")
)

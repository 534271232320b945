package webhook

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/throughline/throughline/streams/source"
)

// EnvPrefix is in front of a secret's name in the environment.
const EnvPrefix = "THROUGHLINE_SOURCE_"

// secretsFor is how long what was read of a file is taken for what is in it.
const secretsFor = time.Second

const maxSecret = 16 << 10 // bytes of a file

// Secrets finds the secrets of sources: in files WORKSPACE/SOURCE.NAME and SOURCE.NAME of a folder, else in the environment as
// THROUGHLINE_SOURCE_<SOURCE>_<NAME>. A second one, file SOURCE.NAME.2 or variable with _2, is good too, while one is replaced by the
// other. Files are read again when they change. It prints and logs as nothing.
type Secrets struct {
	env map[string]string
	dir string
	now func() time.Time

	mu    sync.Mutex
	files map[string]file
}

type file struct {
	text string
	at   time.Time // when it was read
}

// NewSecrets takes the environment as os.Environ gives it, and a folder or nothing.
func NewSecrets(environ []string, dir string) *Secrets {
	s := &Secrets{env: map[string]string{}, dir: dir, now: time.Now, files: map[string]file{}}
	for _, e := range environ {
		if name, value, ok := strings.Cut(e, "="); ok && strings.HasPrefix(name, EnvPrefix) && value != "" {
			s.env[name] = value
		}
	}
	return s
}

// String hides them.
func (s *Secrets) String() string { return "[secrets]" }

// LogValue hides them.
func (s *Secrets) LogValue() slog.Value { return slog.StringValue(s.String()) }

// EnvName is the variable of a secret, such as THROUGHLINE_SOURCE_TWILIO_SMS_SECRET.
func EnvName(source, name string) string {
	return EnvPrefix + strings.ToUpper(strings.ReplaceAll(source, "-", "_")+"_"+name)
}

// of finds the secrets of a source in a workspace. What a workspace has of its own stands alone.
func (s *Secrets) of(workspace, name string) source.Secrets {
	return func(secret string) []string {
		file := name + "." + secret
		if s.dir != "" {
			if own := s.both(filepath.Join(workspace, file), s.read, ".2"); own != nil {
				return own
			}
			if shared := s.both(file, s.read, ".2"); shared != nil {
				return shared
			}
		}
		return s.both(EnvName(name, secret), func(name string) string { return s.env[name] }, "_2")
	}
}

func (s *Secrets) both(name string, get func(string) string, second string) (out []string) {
	for _, n := range [...]string{name, name + second} {
		if v := get(n); v != "" {
			out = append(out, v)
		}
	}
	return out
}

// read is what a file says; empty when there is none. Names are made of workspaces and sources that exist.
func (s *Secrets) read(name string) string {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if f, ok := s.files[name]; ok && now.Sub(f.at) < secretsFor {
		return f.text
	}
	text := ""
	if b, err := os.ReadFile(filepath.Join(s.dir, name)); err == nil && len(b) <= maxSecret {
		text = strings.TrimRight(string(b), "\r\n")
	}
	s.files[name] = file{text, now}
	return text
}

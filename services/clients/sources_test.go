package clients

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/throughline/throughline/schemas/sources"
	"github.com/throughline/throughline/services/program"
)

// trial is the command of a page that plays a provider.
type trial struct {
	source string
	secret string // command that makes one and prints it; empty: any secret will do
	sends  string
}

var (
	trialSecret = regexp.MustCompile("what this prints is the secret of `([a-z0-9-]+)`")
	trialSends  = regexp.MustCompile("`\\$URL` is the address of `([a-z0-9-]+)`")
)

// trials reads them from a page.
func trials(t *testing.T, path string) (out []trial) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(text), "\n## Try it without ")
	if !ok {
		return nil
	}
	secret := ""
	for block, rest, more := strings.Cut(section, "```sh\n"); more; block, rest, more = strings.Cut(rest, "```sh\n") {
		var command string
		command, rest, _ = strings.Cut(rest, "```")
		switch {
		case trialSecret.MatchString(block):
			secret = command
		case trialSends.MatchString(block):
			out = append(out, trial{trialSends.FindStringSubmatch(block)[1], secret, command})
		default:
			t.Errorf("%s: nothing says what this is for: %s", path, command)
		}
	}
	return out
}

// TestPagesOfSources does what the pages say: it makes the address, sets the secret, and runs the command that plays the provider.
func TestPagesOfSources(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"sh", "curl", "openssl"} {
		if _, err := exec.LookPath(tool); err != nil {
			missing(t, requirePackages, "no "+tool)
		}
	}
	pages, err := filepath.Glob("../../docs/sources/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatal(pages, err)
	}
	tried := map[string]bool{}
	secrets, own := t.TempDir(), t.TempDir()
	text, err := os.ReadFile("../../docs/sources/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, mine, _ := strings.Cut(string(text), "    name: parcels\n") // the file that the page gives as an example
	mine, _, _ = strings.Cut(mine, "\nA body such")
	mine = "name: parcels\n" + strings.ReplaceAll("\n"+mine, "\n    ", "\n")
	if err := os.WriteFile(filepath.Join(own, "parcels.yaml"), []byte(mine), 0o600); err != nil {
		t.Fatal(err)
	}
	listen := program.FreeAddress(t)
	u := up{url: "http://" + listen}
	program.Start(t, "up", "up", "--data", t.TempDir(), "--listen", listen, "--key", key, "--source-secrets", secrets, "--sources", own).Ready(t, u.url+"/readyz")
	for _, page := range pages {
		for _, tr := range trials(t, page) {
			tried[tr.source] = true
			t.Run(tr.source, func(t *testing.T) {
				t.Parallel()
				folder := t.TempDir()
				made := program.Command(t, "sources", "keys", "create", tr.source, "--url", u.url, "--key", key, "--json")
				var address struct{ URL string }
				if err := json.Unmarshal([]byte(made.Stdout), &address); made.Code != 0 || err != nil {
					t.Fatal(made, err)
				}
				secret := "throughline:secret-of-" + tr.source
				if tr.secret != "" {
					secret = play(t, folder, tr.secret)
				}
				if err := os.WriteFile(filepath.Join(secrets, tr.source+".secret"), []byte(secret+"\n"), 0o600); err != nil {
					t.Fatal(err)
				}
				said := play(t, folder, tr.sends, "URL="+address.URL, "SECRET="+secret)
				if statusOf(said) != http.StatusOK {
					t.Fatalf("%s is answered %s", tr.sends, said)
				}
				if strings.Contains(said, `"accepted":0`) || strings.Contains(said, `"rejected":[`) {
					t.Errorf("something is wrong with it: %s", said)
				}
				if tr.secret == "" {
					if status := statusOf(play(t, folder, tr.sends, "URL="+address.URL, "SECRET=another:secret")); status != http.StatusUnauthorized {
						t.Errorf("with another secret it is answered with %d", status)
					}
				}
				if u.became(t, tr.source, "touchpoint") < 1 { // a call that has ended has also begun
					t.Error("nothing came of it")
				}
			})
		}
	}
	for _, name := range sources.Names() {
		if !tried[name] {
			t.Errorf("no page says how %s is tried without its provider", name)
		}
	}
}

var (
	fileTrial  = regexp.MustCompile("(?s)\n## Try it with a small file\n.*?```sh\n(.*?)```")
	fileResult = regexp.MustCompile("It prints `([^`]+)`, and `([^`]+)` is known")
)

// TestPagesOfFiles does what the pages of files say, and wants to see what they say it prints.
func TestPagesOfFiles(t *testing.T) {
	t.Parallel()
	u := start(t)
	folder := t.TempDir()
	if err := os.Symlink(program.Path(t), filepath.Join(folder, "throughline")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"3cx", "asterisk", "till"} {
		page, err := os.ReadFile("../../docs/sources/" + name + ".md")
		if err != nil {
			t.Fatal(err)
		}
		command, result := fileTrial.FindSubmatch(page), fileResult.FindSubmatch(page)
		if command == nil || result == nil {
			t.Fatalf("%s: nothing to try", name)
		}
		said := play(t, folder, string(command[1]), "PATH="+folder+":"+os.Getenv("PATH"), "THROUGHLINE_URL="+u.url, "THROUGHLINE_KEY="+key)
		if !strings.Contains(said, string(result[1])) {
			t.Errorf("%s: it prints %s", name, said)
		}
		eventually(t, func() error {
			_, err := read(u, "/v1/people?identifier="+url.QueryEscape(string(result[2])))
			return err
		})
	}
}

// play runs a command of a page as it stands there, and returns what it prints.
func play(t *testing.T, folder, command string, env ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), "sh", "-c", command)
	c.Dir, c.Env = folder, append(os.Environ(), env...)
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s\n%v\n%s", command, err, out)
	}
	return strings.TrimSpace(string(out))
}

// statusOf reads the status line that curl -i prints.
func statusOf(answer string) (status int) {
	_, _ = fmt.Sscanf(answer, "HTTP/1.1 %d", &status)
	return status
}

// became counts what came of a source's requests, by the program's own count.
func (u up) became(t *testing.T, source, what string) (n int) {
	t.Helper()
	metrics, err := read(u, "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(metrics)) {
		labels, value, _ := strings.Cut(line, "} ")
		if strings.HasPrefix(labels, "throughline_source_items_total{") && strings.Contains(labels, fmt.Sprintf("became=%q", what)) &&
			strings.Contains(labels, fmt.Sprintf("source=%q", source)) {
			_, _ = fmt.Sscan(value, &n)
		}
	}
	return n
}

package clients

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestSegmentWithCurl runs the examples of Segment's documentation as somebody runs them who has nothing but curl.
func TestSegmentWithCurl(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"sh", "curl", "gzip", "base64"} {
		if _, err := exec.LookPath(tool); err != nil {
			missing(t, requirePackages, "no "+tool)
		}
	}
	text, err := os.ReadFile("testdata/segment-curl.txt")
	if err != nil {
		t.Fatal(err)
	}
	u := start(t)
	_, examples, _ := strings.Cut(string(text), "\n\n")
	for example := range strings.SplitSeq(strings.TrimSpace(examples), "\n\n") {
		comment, rest, _ := strings.Cut(example, "\n")
		command, want, ok := strings.Cut(rest, "\n=> ")
		if !ok {
			t.Fatalf("%q does not say what becomes of it", example)
		}
		t.Run(strings.TrimPrefix(comment, "# "), func(t *testing.T) {
			answers := u.shell(t, command)
			for _, answer := range strings.SplitAfter(strings.TrimSuffix(answers, "\n"), "\n") {
				if strings.TrimSpace(answer) != `{"success":true} 200` {
					t.Fatalf("%s\nis answered %s", command, answers)
				}
			}
			fields := strings.Fields(want)
			u.kinds(t, fields[0], fields[1:])
		})
	}
	for _, bad := range []struct{ name, command, want string }{
		{"a key that nobody knows", `curl "$URL/v1/track" -u "other:" -d '{"userId": "curl-bad", "event": "e"}'`, "401"},
		{"no JSON", `curl "$URL/v1/track" -u "$KEY:" -d '{'`, "400"},
	} {
		if said := u.shell(t, bad.command); !strings.HasSuffix(strings.TrimSpace(said), bad.want) {
			t.Errorf("%s is answered %s, want %s", bad.name, said, bad.want)
		}
	}
}

// shell runs a command in which curl says the status behind what it got.
func (u up) shell(t *testing.T, command string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), "sh", "-c", `curl() { command curl -sS --max-time 60 -w ' %{http_code}\n' "$@"; }
`+command)
	c.Env = append(os.Environ(), "URL="+u.url, "KEY="+key)
	c.Stderr = t.Output()
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s\n%v", command, err)
	}
	return string(out)
}

// kinds waits until whom an identifier names has touchpoints of these kinds, the oldest first.
func (u up) kinds(t *testing.T, identifier string, want []string) {
	t.Helper()
	eventually(t, func() error {
		person, err := get[struct{ ID string }](u, "/v1/people?identifier="+url.QueryEscape(identifier))
		if err != nil {
			return err
		}
		line, err := get[struct{ Touchpoints []struct{ Kind string } }](u, "/v1/people/"+person.ID+"/timeline")
		if err != nil {
			return err
		}
		var got []string
		for _, tp := range slices.Backward(line.Touchpoints) { // the newest is first
			got = append(got, tp.Kind)
		}
		if !slices.Equal(got, want) {
			return fmt.Errorf("%s has %q, want %q", identifier, got, want)
		}
		return nil
	})
}

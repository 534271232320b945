package program

import (
	"os"
	"os/exec"
	"path/filepath"
)

// Chromium is the path of the browser that pages are tested in: the one that CHROMIUM names, or one of the system's; empty when there
// is none.
func Chromium() string {
	for _, name := range []string{os.Getenv("CHROMIUM"), "chromium", "chromium-browser", "google-chrome"} {
		if name == "" {
			continue
		}
		if path, err := exec.LookPath(name); err == nil {
			if path, err = filepath.Abs(path); err == nil {
				return path
			}
		}
	}
	return ""
}

package engine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// LibraryVariable names the environment variable that says where the engine's shared library is.
const LibraryVariable = "THROUGHLINE_CHDB"

// ErrNoLibrary is returned by Find when the engine is not installed.
var ErrNoLibrary = errors.New("engine: libchdb not found: run `make engine`, put the library beside the executable, or name it in " + LibraryVariable)

// Find returns the path of the engine's shared library: what THROUGHLINE_CHDB names, else the library
// beside the executable, else the one that npm installed in services/embedded/chdb of the source tree
// around the executable or the working directory (so that tests find it from any package).
func Find() (string, error) {
	name := "libchdb.so"
	if runtime.GOOS == "darwin" {
		// npm's darwin packages carry the library under the same name; a copy from elsewhere is a .dylib.
		name = "libchdb.*"
	}
	if path := os.Getenv(LibraryVariable); path != "" {
		if _, err := os.Stat(path); err != nil {
			return "", fmt.Errorf("engine: %s: %w", LibraryVariable, err)
		}
		return path, nil
	}
	var starts []string
	if exe, err := os.Executable(); err == nil {
		if exe, err = filepath.EvalSymlinks(exe); err == nil {
			if found := match(filepath.Dir(exe), name); found != "" {
				return found, nil
			}
			starts = append(starts, filepath.Dir(exe))
		}
	}
	if wd, err := os.Getwd(); err == nil {
		starts = append(starts, wd)
	}
	for _, dir := range starts {
		for ; ; dir = filepath.Dir(dir) {
			if found := match(dir, "services", "embedded", "chdb", "node_modules", "@chdb", "lib-*", name); found != "" {
				return found, nil
			}
			if dir == filepath.Dir(dir) {
				break
			}
		}
	}
	return "", ErrNoLibrary
}

func match(elements ...string) string {
	found, err := filepath.Glob(filepath.Join(elements...))
	if err != nil || len(found) == 0 {
		return ""
	}
	return found[0]
}

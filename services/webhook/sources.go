package webhook

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/throughline/throughline/schemas/sources"
	"github.com/throughline/throughline/schemas/workspace"
	"github.com/throughline/throughline/streams/source"
)

// Sources are the source files in force: those that ship, and a user's own, which take the place of those of the same name.
type Sources struct {
	shared map[string]*served
	own    map[string]map[string]*served // by workspace
}

// served is a source with readers that are used again.
type served struct {
	*source.Source
	readers sync.Pool // of *source.Reader
}

func newServed(s *source.Source) *served {
	out := &served{Source: s}
	out.readers.New = func() any { return s.NewReader(nil) }
	return out
}

// Shipped are the sources that ship.
func Shipped() *Sources {
	out := &Sources{shared: map[string]*served{}, own: map[string]map[string]*served{}}
	for _, name := range sources.Names() {
		data, _ := sources.Get(name)
		s, err := source.Parse(data)
		if err != nil {
			panic(fmt.Sprintf("sources/%s.yaml: %v", name, err)) // compiled in, and tested
		}
		out.shared[name] = newServed(s)
	}
	return out
}

// LoadSources reads the source files of a folder: FILE.yaml for all workspaces, WORKSPACE/FILE.yaml for one. Errors name file, line and column.
func LoadSources(dir string) (*Sources, error) {
	out := Shipped()
	if dir == "" {
		return out, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("webhook: sources: %w", err)
	}
	var errs []error
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		info, err := os.Stat(path) // a mounted folder is full of links
		switch {
		case err != nil:
			errs = append(errs, err)
		case info.IsDir() && workspace.ValidName(e.Name()) == nil:
			own := map[string]*served{}
			errs = append(errs, loadInto(own, path))
			out.own[e.Name()] = own
		}
	}
	errs = append(errs, loadInto(out.shared, dir))
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("webhook: sources: %w", err)
	}
	return out, nil
}

func loadInto(to map[string]*served, dir string) error {
	paths, err := fs.Glob(os.DirFS(dir), "*.yaml")
	if err != nil {
		return err
	}
	for _, name := range paths {
		path := filepath.Join(dir, name)
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		s, err := source.Parse(data)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if want := strings.TrimSuffix(name, ".yaml"); s.Name != want {
			return fmt.Errorf("%s: its name is %q, and the file's %q", path, s.Name, want)
		}
		to[s.Name] = newServed(s)
	}
	return nil
}

// of is the source of that name in a workspace; nil when there is none.
func (s *Sources) of(workspace, name string) *served {
	if own := s.own[workspace][name]; own != nil {
		return own
	}
	return s.shared[name]
}

// List lists the sources of a workspace by name.
func (s *Sources) List(workspace string) []*source.Source {
	all := maps.Clone(s.shared)
	maps.Copy(all, s.own[workspace])
	out := make([]*source.Source, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		out = append(out, all[name].Source)
	}
	return out
}

// Package console serves the pages in which agents and managers work. They are built from web by `make build` and embedded; they ask
// nothing but the API of the server that they come from.
package console

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
)

// dist is what `make build` makes; without it there is the placeholder alone, so that `go build` works.
//
//go:embed all:web/dist
var dist embed.FS

// asset is a file as it is sent.
type asset struct {
	media         string
	plain, packed []byte // packed is nil where packing gains nothing
	etag          string
}

// Handler answers the paths of the console and hands all others to next.
func Handler(next http.Handler) (http.Handler, error) {
	assets, err := load(dist)
	if err != nil {
		return nil, fmt.Errorf("console: %w", err)
	}
	index, err := newIndex(assets, next)
	if err != nil {
		return nil, fmt.Errorf("console: %w", err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			next.ServeHTTP(w, r)
			return
		}
		name := strings.TrimPrefix(r.URL.Path, "/")
		first, _, _ := strings.Cut(name, "/")
		a, known := assets[name]
		page, isPage := pages[first]
		switch {
		case known && name != "index.html" && name != manifestName:
			r.Pattern = "GET /assets" // of metrics
			a.serve(w, r, strings.HasPrefix(name, "assets/"))
		case !isPage && index != nil && wantsPage(r):
			answered := &unlessMissing{ResponseWriter: w}
			if next.ServeHTTP(answered, r); answered.missing {
				r.Pattern = "GET /"
				index.serve(w, r, "", http.StatusNotFound)
			}
		case !isPage:
			next.ServeHTTP(w, r)
		case index == nil:
			r.Pattern = "GET /"
			http.Error(w, "This binary was built without the console: `make build` builds it.", http.StatusNotFound)
		default:
			r.Pattern = "GET /"
			index.serve(w, r, page, http.StatusOK)
		}
	}), nil
}

func load(from fs.FS) (map[string]asset, error) {
	out := map[string]asset{}
	root, err := fs.Sub(from, "web/dist")
	if err != nil {
		return nil, err
	}
	return out, fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || name == "placeholder.txt" {
			return err
		}
		data, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		out[name], err = newAsset(name, data)
		return err
	})
}

func newAsset(name string, data []byte) (asset, error) {
	sum := sha256.Sum256(data)
	a := asset{media: mime.TypeByExtension(path.Ext(name)), plain: data, etag: `"` + hex.EncodeToString(sum[:8]) + `"`}
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return a, err
	}
	if _, err := z.Write(data); err != nil {
		return a, err
	}
	if err := z.Close(); err != nil {
		return a, err
	}
	if b.Len() < len(data)*9/10 {
		a.packed = b.Bytes()
	}
	return a, nil
}

// forGood is how long files are kept whose names change with their content.
const forGood = "public, max-age=31536000, immutable"

func (a asset) serve(w http.ResponseWriter, r *http.Request, hashed bool) {
	h := w.Header()
	h.Set("Content-Type", a.media)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("ETag", a.etag)
	h.Set("Cache-Control", "no-cache")
	if hashed {
		h.Set("Cache-Control", forGood)
	}
	if r.Header.Get("If-None-Match") == a.etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	body := a.plain
	if a.packed != nil {
		h.Set("Vary", "Accept-Encoding")
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			h.Set("Content-Encoding", "gzip")
			body = a.packed
		}
	}
	h.Set("Content-Length", fmt.Sprint(len(body)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(body) // an error means that the client is gone
	}
}

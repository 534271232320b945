package api

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// Routes is a table of routes whose refusals, of a path that is not in it and of a method that its path does not have,
// are problem documents too.
type Routes struct {
	paths map[string]map[string]http.Handler // by method
}

// NewRoutes makes an empty table.
func NewRoutes() *Routes { return &Routes{paths: map[string]map[string]http.Handler{}} }

// Handle adds a route; path is a pattern of http.ServeMux without method and host.
func (rs *Routes) Handle(method, path string, h http.Handler) {
	if rs.paths[path] == nil {
		rs.paths[path] = map[string]http.Handler{}
	}
	rs.paths[path][method] = h
}

// Handler answers all routes of the table. It is called once, when the table is complete.
//
// The paths alone are patterns, and methods are told apart behind them: of /people/{id} and /people/why the second is the
// closer one only as long as neither names a method that the other refuses.
func (rs *Routes) Handler() http.Handler {
	mux := http.NewServeMux()
	for path, methods := range rs.paths {
		allowed := strings.Join(slices.Sorted(maps.Keys(methods)), ", ")
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			method := r.Method
			if method == http.MethodHead {
				method = http.MethodGet
			}
			h, ok := methods[method]
			if !ok {
				w.Header().Set("Allow", allowed)
				Problem(w, r, http.StatusMethodNotAllowed, "", "want "+allowed)
				return
			}
			r.Pattern = method + " " + path // of metrics
			h.ServeHTTP(w, r)
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		Problem(w, r, http.StatusNotFound, "", "there is nothing at this path; /openapi.yaml says what there is")
	})
	return mux
}

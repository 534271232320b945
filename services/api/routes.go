package api

import (
	"net/http"
	"strings"
)

// Routes is a table of routes whose refusals, of a path that is not in it and of a method that its path does not have,
// are problem documents too.
type Routes struct {
	mux     *http.ServeMux
	methods map[string][]string
}

// NewRoutes makes an empty table.
func NewRoutes() *Routes {
	return &Routes{mux: http.NewServeMux(), methods: map[string][]string{}}
}

// Handle adds a route; path is a pattern of http.ServeMux without method and host.
func (rs *Routes) Handle(method, path string, h http.Handler) {
	rs.mux.Handle(method+" "+path, h)
	rs.methods[path] = append(rs.methods[path], method)
}

// Handler answers all routes of the table. It is called once, when the table is complete.
func (rs *Routes) Handler() http.Handler {
	for path, methods := range rs.methods {
		allowed := strings.Join(methods, ", ")
		rs.mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Allow", allowed)
			Problem(w, r, http.StatusMethodNotAllowed, "", "want "+allowed)
		})
	}
	rs.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		Problem(w, r, http.StatusNotFound, "", "there is nothing at this path; /openapi.yaml says what there is")
	})
	return rs.mux
}

package serve

import (
	"net/http"

	"github.com/throughline/throughline/schemas/measure"
)

// getMeasures answers GET /v1/measures.
func (s *Server) getMeasures(w http.ResponseWriter, r *http.Request) {
	if err := answer(w, http.StatusOK, map[string]any{"measures": measure.Table}); err != nil {
		s.fail(w, r, err)
	}
}

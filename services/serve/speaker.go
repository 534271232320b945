package serve

import (
	"fmt"
	"net/http"
	"unicode/utf8"

	"github.com/throughline/throughline/services/api"
)

const (
	maxUser    = 100           // characters
	unnamedKey = "unnamed key" // who acts by a key that has no name and says no user
)

// speaker is who says something: whoever the request names, else whom the key is of.
func (s *Server) speaker(r *http.Request, named string) (string, error) {
	if named == "" {
		key, _ := api.KeyOf(r)
		if named = s.config.Directory.KeyName(key); named == "" {
			named = unnamedKey
		}
	}
	switch {
	case utf8.RuneCountInString(named) > maxUser:
		return "", &fieldError{"user", fmt.Sprintf("at most %d characters", maxUser)}
	case !plain(named):
		return "", &fieldError{"user", "want UTF-8 text without NUL"}
	}
	return named, nil
}

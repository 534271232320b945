package engine

import (
	"regexp"
	"strconv"
	"strings"
)

// Exception is an error of the engine: a ClickHouse exception with its code.
type Exception struct {
	Code    int    // ClickHouse error code, 1000 and up for those of outer libraries; never 0
	Message string // as the engine says it: "Code: 60. DB::Exception: ... (UNKNOWN_TABLE)"
}

func (e *Exception) Error() string { return e.Message }

// unknownException is ClickHouse's UNKNOWN_EXCEPTION, given when the library names no code.
const unknownException = 1002

var exceptionCode = regexp.MustCompile(`Code: (\d+)\.`)

// exceptionOf makes an error of the library's message; the empty message is no error.
func exceptionOf(message string) error {
	if message == "" {
		return nil
	}
	e := &Exception{Code: unknownException, Message: strings.TrimSpace(message)}
	if m := exceptionCode.FindStringSubmatch(message); m != nil {
		if code, err := strconv.Atoi(m[1]); err == nil && code > 0 {
			e.Code = code
		}
	}
	return e
}

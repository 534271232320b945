package engine

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"unsafe"

	"github.com/ebitengine/purego"
)

// library is the C interface of libchdb, version 26.7. Every function blocks the calling thread
// until the engine has answered; a connection takes one statement at a time.
type library struct {
	setSignalHandlers func(enabled int32)
	connect           func(argc int32, argv **byte) uintptr
	closeConn         func(conn uintptr)

	query func(conn uintptr, query *byte, queryLen uintptr, format *byte, formatLen uintptr, names **byte, nameLens *uintptr, values **byte, valueLens *uintptr, count uintptr) uintptr

	insert        func(conn uintptr, query *byte, queryLen uintptr, format *byte, formatLen uintptr, names **byte, nameLens *uintptr, values **byte, valueLens *uintptr, count uintptr) uintptr
	insertAppend  func(stream uintptr, data *byte, n uintptr) int32
	insertDone    func(stream uintptr) uintptr
	insertCancel  func(stream uintptr)
	insertError   func(stream uintptr) *byte
	insertDestroy func(stream uintptr)

	classify func(conn uintptr, sql *byte, sqlLen uintptr, database *byte, databaseLen uintptr, out *analysis) int32

	resultBuffer      func(result uintptr) *byte
	resultLength      func(result uintptr) uintptr
	resultError       func(result uintptr) *byte
	resultRowsWritten func(result uintptr) uint64
	resultDestroy     func(result uintptr)
}

// analysis is chdb_query_analysis_v1.
type analysis struct {
	structSize     uint32
	statementCount uint32
	_              uint32 // flags
	class          uint32
}

// Statement classes of chdb_classify_query_n.
const (
	classReadOnly = 0
	classUnknown  = 4
)

// A process holds at most one engine: libchdb keeps its state in globals and must not be loaded twice.
var loaded struct {
	sync.Mutex
	path string
	lib  *library
}

// load opens the shared library at path and takes its signal handlers away, which would otherwise
// replace those of the Go runtime.
func load(path string) (*library, error) {
	loaded.Lock()
	defer loaded.Unlock()
	if loaded.lib != nil {
		if loaded.path != path {
			return nil, fmt.Errorf("engine: %s is already loaded in this process, not %s", loaded.path, path)
		}
		return loaded.lib, nil
	}
	handle, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, fmt.Errorf("engine: open %s: %w", path, err)
	}
	lib := &library{}
	for _, f := range []struct {
		fn   any
		name string
	}{
		{&lib.setSignalHandlers, "chdb_set_signal_handlers_enabled"},
		{&lib.connect, "chdb_connect"},
		{&lib.closeConn, "chdb_close_conn"},
		{&lib.query, "chdb_query_with_params_n"},
		{&lib.insert, "chdb_stream_insert_with_params_n"},
		{&lib.insertAppend, "chdb_stream_append"},
		{&lib.insertDone, "chdb_stream_done"},
		{&lib.insertCancel, "chdb_stream_cancel_insert"},
		{&lib.insertError, "chdb_stream_insert_error"},
		{&lib.insertDestroy, "chdb_destroy_insert_stream"},
		{&lib.classify, "chdb_classify_query_n"},
		{&lib.resultBuffer, "chdb_result_buffer"},
		{&lib.resultLength, "chdb_result_length"},
		{&lib.resultError, "chdb_result_error"},
		{&lib.resultRowsWritten, "chdb_result_rows_written"},
		{&lib.resultDestroy, "chdb_destroy_query_result"},
	} {
		symbol, err := purego.Dlsym(handle, f.name)
		if err != nil {
			return nil, fmt.Errorf("engine: %s has no %s: %w", path, f.name, err)
		}
		purego.RegisterFunc(f.fn, symbol)
	}
	lib.setSignalHandlers(0)
	loaded.path, loaded.lib = path, lib
	return lib, nil
}

// errConnect says that the engine did not start or refused a connection; it tells the reason on stderr only.
var errConnect = errors.New("engine: the library refused the connection")

// conn is one connection; its handle is a pointer to the connection that the library owns.
type conn struct {
	lib    *library
	handle uintptr // chdb_connection*
	inner  uintptr // chdb_connection
}

// open makes a connection. The first one of a process starts the engine with the given arguments.
func (l *library) open(args []string) (*conn, error) {
	var pin runtime.Pinner
	defer pin.Unpin()
	argv := make([]*byte, len(args)+1)
	for i, a := range args {
		argv[i] = unsafe.StringData(a + "\x00")
		pin.Pin(argv[i])
	}
	pin.Pin(&argv[0])
	handle := l.connect(int32(len(args)), &argv[0])
	if handle == 0 {
		return nil, errConnect
	}
	return &conn{lib: l, handle: handle, inner: *(*uintptr)(pointer(handle))}, nil
}

func (c *conn) close() { c.lib.closeConn(c.handle) }

// param is one server-side parameter: {name:Type} in the text, its value in escaped form.
type param struct{ name, value string }

// params lays a list of parameters out as C wants them: two arrays of pointers, two of lengths.
type params struct {
	names, values       []*byte
	nameLens, valueLens []uintptr
	pin                 runtime.Pinner
}

func newParams(list []param) *params {
	p := &params{}
	for _, a := range list {
		n, v := bytesOf(a.name), bytesOf(a.value)
		p.pin.Pin(n)
		p.pin.Pin(v)
		p.names, p.values = append(p.names, n), append(p.values, v)
		p.nameLens, p.valueLens = append(p.nameLens, uintptr(len(a.name))), append(p.valueLens, uintptr(len(a.value)))
	}
	return p
}

// first returns the address of the first element, nil for none.
func first[T any](s []T) *T {
	if len(s) == 0 {
		return nil
	}
	return &s[0]
}

// run executes a statement and returns its whole result.
func (c *conn) run(query, format string, list []param) *result {
	p := newParams(list)
	defer p.pin.Unpin()
	return &result{c.lib, c.lib.query(c.inner, bytesOf(query), uintptr(len(query)), bytesOf(format), uintptr(len(format)),
		first(p.names), first(p.nameLens), first(p.values), first(p.valueLens), uintptr(len(list)))}
}

// classify asks the engine's own parser what the text would do.
func (c *conn) classify(query string) (analysis, error) {
	out := analysis{structSize: uint32(unsafe.Sizeof(analysis{}))}
	if c.lib.classify(c.inner, bytesOf(query), uintptr(len(query)), nil, 0, &out) != 0 {
		return out, errors.New("engine: classify refused")
	}
	return out, nil
}

// result is what a statement left in the library's memory; destroy gives it back.
type result struct {
	lib    *library
	handle uintptr
}

func (r *result) err() error { return exceptionOf(cString(r.lib.resultError(r.handle))) }

// bytes is a view into the library's memory, valid until destroy.
func (r *result) bytes() []byte {
	return unsafe.Slice(r.lib.resultBuffer(r.handle), r.lib.resultLength(r.handle))
}

func (r *result) rowsWritten() uint64 { return r.lib.resultRowsWritten(r.handle) }
func (r *result) destroy()            { r.lib.resultDestroy(r.handle) }

// insertStream takes the body of an INSERT in pieces of any size.
type insertStream struct {
	lib    *library
	handle uintptr
}

// insert begins an INSERT; query is the statement without its FORMAT clause.
func (c *conn) insert(query, format string, list []param) (*insertStream, error) {
	p := newParams(list)
	defer p.pin.Unpin()
	s := &insertStream{c.lib, c.lib.insert(c.inner, bytesOf(query), uintptr(len(query)), bytesOf(format), uintptr(len(format)),
		first(p.names), first(p.nameLens), first(p.values), first(p.valueLens), uintptr(len(list)))}
	if err := s.err(); err != nil {
		s.destroy()
		return nil, err
	}
	return s, nil
}

// Write hands a piece over; the library copies it and blocks when it is behind.
func (s *insertStream) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if s.lib.insertAppend(s.handle, &p[0], uintptr(len(p))) != 0 {
		if err := s.err(); err != nil {
			return 0, err
		}
		return 0, errors.New("engine: the insert has ended")
	}
	return len(p), nil
}

// done ends the body and waits for the commit; it returns the rows written.
func (s *insertStream) done() (uint64, error) {
	r := &result{s.lib, s.lib.insertDone(s.handle)}
	defer r.destroy()
	return r.rowsWritten(), r.err()
}

func (s *insertStream) cancel()    { s.lib.insertCancel(s.handle) }
func (s *insertStream) err() error { return exceptionOf(cString(s.lib.insertError(s.handle))) }
func (s *insertStream) destroy()   { s.lib.insertDestroy(s.handle) }

// bytesOf returns the first byte of s; the empty string has none, and the library wants an address.
func bytesOf(s string) *byte {
	if s == "" {
		return &[]byte{0}[0]
	}
	return unsafe.StringData(s)
}

func cString(p *byte) string {
	if p == nil {
		return ""
	}
	n := 0
	for *(*byte)(unsafe.Add(unsafe.Pointer(p), n)) != 0 {
		n++
	}
	return string(unsafe.Slice(p, n))
}

// pointer turns an address of the library's memory into a pointer. It goes through memory because the
// compiler's check for Go pointers (go vet, -d=checkptr) cannot know that this one is C's.
func pointer(address uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&address)) }

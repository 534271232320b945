// Package endtoend holds the tests that meet the real binary as its users and operators do: events go in by every door,
// files are imported by the command line, figures come out over HTTP, engines are taken away and given back, data is
// changed behind its back. What is expected is computed by code of the tests' own.
package endtoend

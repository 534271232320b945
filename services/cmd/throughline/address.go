package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// address is a path of the running Throughline that --url names, with or without a slash at its end.
func address(base, path string) (string, error) {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return "", fmt.Errorf("--url: %q is not an http or https URL, such as http://127.0.0.1:8080", base)
	}
	return strings.TrimRight(base, "/") + path, nil
}

// do makes a request; when nobody listens there, the error says what to look at.
func do(req *http.Request) (*http.Response, error) {
	res, err := http.DefaultClient.Do(req)
	var network *net.OpError
	if errors.As(err, &network) && network.Op == "dial" {
		return nil, fmt.Errorf("nobody answers at %s: is Throughline running there, or is it at another --url? (%w)", req.URL.Host, network)
	}
	return res, err
}

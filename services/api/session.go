package api

import (
	"encoding/base64"
	"net/http"
	"net/url"
)

// sessionCookie holds the key of who signed in with a browser. It has no name of its own in the store and nothing to expire there:
// whoever revokes the key ends its sessions.
const sessionCookie = "throughline"

// StartSession gives the browser the key as a cookie that no script can read, that goes to no other site, and that ends with
// the browser.
func StartSession(w http.ResponseWriter, r *http.Request, key string) {
	http.SetCookie(w, cookieOf(r, base64.RawURLEncoding.EncodeToString([]byte(key)), 0))
}

// EndSession takes the cookie away.
func EndSession(w http.ResponseWriter, r *http.Request) { http.SetCookie(w, cookieOf(r, "", -1)) }

func cookieOf(r *http.Request, value string, age int) *http.Cookie {
	return &http.Cookie{Name: sessionCookie, Value: value, Path: "/", MaxAge: age, HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https"}
}

func sessionKey(r *http.Request) (key string, ok bool) {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return "", false
	}
	b, err := base64.RawURLEncoding.DecodeString(cookie.Value)
	return string(b), err == nil && len(b) > 0
}

func harmless(method string) bool { return method == http.MethodGet || method == http.MethodHead }

// sameOrigin tells whether a page of this server made the request. A browser says so in Sec-Fetch-Site, an old one in Origin;
// who says neither is refused.
func sameOrigin(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" {
		return site == "same-origin"
	}
	origin, err := url.Parse(r.Header.Get("Origin"))
	return err == nil && origin.Host != "" && origin.Host == r.Host
}

// FromElsewhere tells whether a browser made the request from a page of another server.
func FromElsewhere(r *http.Request) bool {
	return (r.Header.Get("Sec-Fetch-Site") != "" || r.Header.Get("Origin") != "") && !sameOrigin(r)
}

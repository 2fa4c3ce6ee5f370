package gqlhttp

import (
	"mime"
	"net/http"
)

// preflightHeader is the header by which a client shows that a browser has asked the server before the request.
const preflightHeader = "Apollo-Require-Preflight"

// proofs are the headers, not empty, that no page of another site can send unasked: a browser asks the server first (a CORS
// preflight). The first two are Apollo Server's (https://www.apollographql.com/docs/apollo-server/security/cors).
var proofs = [...]string{preflightHeader, "X-Apollo-Operation-Name", "Graphql-Require-Preflight", "Authorization"}

// mayBeForged reports whether a GET may come from any page that a browser shows: a link, an image or a script can send
// it. A POST never is, for application/json needs a preflight. What a browser fetches for a page of this
// server itself says so (Sec-Fetch-Mode and Sec-Fetch-Site, which no page can set); so does what is no browser, such as
// Node's fetch.
func mayBeForged(r *http.Request) bool {
	for _, name := range proofs {
		if r.Header.Get(name) != "" {
			return false
		}
	}
	site := r.Header.Get("Sec-Fetch-Site")
	if r.Header.Get("Sec-Fetch-Mode") == "cors" && site != "cross-site" && site != "same-site" {
		return false
	}
	switch mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); {
	case err != nil, mediaType == "application/x-www-form-urlencoded", mediaType == "multipart/form-data", mediaType == "text/plain":
		return true
	}
	return false
}

// sameHost reports whether the page that opens a WebSocket came from the host and port that it asks now.
func sameHost(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	return origin == "http://"+r.Host || origin == "https://"+r.Host
}

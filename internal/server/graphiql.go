package server

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"

	"github.com/go-chi/chi/v5"

	"linkspan/web/graphiql"
)

// maxSignInBytes bounds the body of a sign-in: a subject, a handle, and what JSON adds.
const maxSignInBytes = 4 << 10

// GraphiQL says how the page at /graphiql is served.
type GraphiQL struct {
	// Token signs a token for USER@GROUP; its error is for whoever gave that name. nil: the page signs nobody in.
	Token func(user string) (string, error)
}

// forwarded are headers by which a proxy tells that it passes on what somebody else asked.
var forwarded = []string{
	"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Via", "X-Real-Ip", "Cf-Connecting-Ip", "True-Client-Ip",
}

// refusedSignIn says with which status and why nobody is signed in by a name alone.
type refusedSignIn struct {
	status  int
	message string
}

// graphiql serves the page, and tokens to it.
func (s *Server) graphiql() http.Handler {
	router := chi.NewRouter()
	page := graphiql.Handler()
	router.Handle("/*", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if names, asked := r.URL.Query()["as"]; asked {
			if _, refused := s.signInAs(r, names); refused != nil {
				graphiql.Refuse(w, refused.status, refused.message)
				return
			}
		}
		page.ServeHTTP(w, r)
	}))
	router.Post("/sign-in", s.signInByName)
	return router
}

// signInByName answers {"as": USER@GROUP} with a token. It is asked for each time that one is needed, so that the page
// need not keep any; no URL, cookie or line of the log ever has one.
func (s *Server) signInByName(w http.ResponseWriter, r *http.Request) {
	graphiql.Protect(w.Header())
	w.Header().Set("Cache-Control", "no-store")
	token, refused := s.signInBody(w, r)
	if refused != nil {
		writeJSON(w, refused.status, map[string]string{"message": refused.message})
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"token": token})
}

func (s *Server) signInBody(w http.ResponseWriter, r *http.Request) (string, *refusedSignIn) {
	if err := http.NewCrossOriginProtection().Check(r); err != nil {
		return "", &refusedSignIn{http.StatusForbidden, "Only this server's own page is given tokens."}
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return "", &refusedSignIn{http.StatusUnsupportedMediaType, "A sign-in is sent as Content-Type: application/json."}
	}
	var asked struct {
		As string `json:"as"`
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxSignInBytes))
	if err != nil || json.Unmarshal(body, &asked) != nil {
		return "", &refusedSignIn{http.StatusBadRequest, `A sign-in is {"as": "ana@acme"}.`}
	}
	return s.signInAs(r, []string{asked.As})
}

// signInAs returns a token for the one user that is named. There is one only where the server and the request's Host are
// both of this machine alone (contract, "Endpoints"): a page of another site that lets its name resolve to this machine
// has its own name in Host, and what a proxy passes on comes from elsewhere.
func (s *Server) signInAs(r *http.Request, names []string) (string, *refusedSignIn) {
	refuse := func(status int, message string) (string, *refusedSignIn) { return "", &refusedSignIn{status, message} }
	switch {
	case s.config.GraphiQL.Token == nil:
		return refuse(http.StatusForbidden, "Only `linkspan dev` signs users in by name. "+
			"Here, leave ?as= away and set the header Authorization in GraphiQL.")
	case !s.loopback.Load():
		return refuse(http.StatusForbidden, "Users are signed in by name only where the server listens on this machine alone, "+
			"as with LINKSPAN_LISTEN=127.0.0.1:8080. Leave ?as= away and set the header Authorization in GraphiQL.")
	case !isLoopbackHost(r.Host):
		return refuse(http.StatusForbidden, "Users are signed in by name only at an address of this machine, "+
			"as in http://127.0.0.1:8080/graphiql?as=ana@acme.")
	case isForwarded(r):
		return refuse(http.StatusForbidden, "Users are not signed in by name through a proxy. "+
			"Leave ?as= away and set the header Authorization in GraphiQL.")
	case len(names) != 1:
		return refuse(http.StatusBadRequest, "Name one user, as in ?as=ana@acme.")
	}
	token, err := s.config.GraphiQL.Token(names[0])
	if err != nil {
		return refuse(http.StatusBadRequest, "Nobody has that name: "+err.Error()+".")
	}
	_, err = s.config.Tokens.Verify(r.Context(), token)
	switch {
	case errors.Is(err, errToken):
		return refuse(http.StatusNotFound, "Nobody has that name: "+names[0]+" is of no group that is registered here. "+
			"The demo's users are ana@acme, ben@acme, gil@globex, hua@globex and ivy@initech.")
	case err != nil:
		logger(r.Context()).ErrorContext(r.Context(), "sign-in by name", "err", err)
		return refuse(http.StatusServiceUnavailable, "The main database can't be asked for the group just now. Try again.")
	}
	return token, nil
}

// isForwarded reports whether a proxy says that it passes the request on.
func isForwarded(r *http.Request) bool {
	for _, name := range forwarded {
		if r.Header.Get(name) != "" {
			return true
		}
	}
	return false
}

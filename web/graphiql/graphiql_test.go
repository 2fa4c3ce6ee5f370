package graphiql

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
)

// get asks for a path with the headers, given as name, value, name, value.
func get(t *testing.T, path string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	return send(t, http.MethodGet, path, headers...)
}

func send(t *testing.T, method, path string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	answer := httptest.NewRecorder()
	Handler().ServeHTTP(answer, request)
	return answer
}

func TestPage(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/graphiql", "/graphiql/", "/graphiql?as=ana@acme"} {
		response := get(t, path)
		page := response.Body.String()
		if response.Code != http.StatusOK || !strings.Contains(page, "<title>Linkspan") {
			t.Errorf("%s: %d %s", path, response.Code, page)
		}
		for name, want := range map[string]string{
			"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-cache", "Vary": "Accept-Encoding",
		} {
			if got := response.Header().Get(name); got != want {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
		if regexp.MustCompile(`<style|<script>|javascript:|\son\w+=|="(https?:)?//`).MatchString(page) {
			t.Errorf("%s: something in it is inline or from elsewhere: %s", path, page)
		}
	}
}

// TestEveryFile asks for all that the build has, as Chromium does and as a client without gzip does.
func TestEveryFile(t *testing.T) {
	t.Parallel()
	types := map[string]string{
		"html": "text/html; charset=utf-8", "js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8",
		"svg": "image/svg+xml", "ttf": "font/ttf", "md": "text/markdown; charset=utf-8",
	}
	files := load()
	if _, licensed := files["licenses.md"]; len(files) < 10 || !licensed {
		t.Fatalf("the build lacks files or its licenses: it has %d", len(files))
	}
	for name := range files {
		path := "/graphiql/" + name
		compressed, whole := get(t, path, "Accept-Encoding", "gzip, deflate, br"), get(t, path)
		if compressed.Code != http.StatusOK || compressed.Header().Get("Content-Encoding") != "gzip" ||
			whole.Code != http.StatusOK || whole.Header().Get("Content-Encoding") != "" {
			t.Fatalf("%s: %d %v, %d %v", name, compressed.Code, compressed.Header(), whole.Code, whole.Header())
		}
		reader, err := gzip.NewReader(compressed.Body)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		content, err := io.ReadAll(reader)
		if err != nil || !bytes.Equal(content, whole.Body.Bytes()) {
			t.Errorf("%s: with and without gzip differ: %v", name, err)
		}
		if compressed.Header().Get("ETag") == whole.Header().Get("ETag") {
			t.Errorf("%s: with and without gzip have the tag %s", name, whole.Header().Get("ETag"))
		}
		if want, got := types[name[strings.LastIndex(name, ".")+1:]], whole.Header().Get("Content-Type"); got != want {
			t.Errorf("%s: it is %q, not %q", name, got, want)
		}
		hashed := regexp.MustCompile(`^assets/.+-[\w-]{8}\.\w+$`).MatchString(name)
		if forever := strings.Contains(whole.Header().Get("Cache-Control"), "immutable"); forever != hashed || hashed != strings.HasPrefix(name, "assets/") {
			t.Errorf("%s: cached for ever: %v", name, forever)
		}
		if bytes.Contains(content, []byte("sourceMappingURL=")) && !bytes.Contains(content, []byte(`"sourceMappingURL="`)) {
			t.Errorf("%s: it names a source map", name)
		}
	}
}

// TestPolicy holds the page to its own server, and away from frames.
func TestPolicy(t *testing.T) {
	t.Parallel()
	answers := map[string]*httptest.ResponseRecorder{
		"the page": get(t, "/graphiql"), "nothing": get(t, "/graphiql/nothing"), "a POST": send(t, http.MethodPost, "/graphiql"),
	}
	refused := httptest.NewRecorder()
	Refuse(refused, http.StatusForbidden, "No <b>such</b> thing.")
	answers["a refusal"] = refused
	for name, response := range answers {
		directives := make(map[string]string)
		for _, directive := range strings.Split(response.Header().Get("Content-Security-Policy"), "; ") {
			key, value, _ := strings.Cut(directive, " ")
			directives[key] = value
		}
		for directive, want := range map[string]string{
			"default-src": "'none'", "script-src": "'self'", "worker-src": "'self'", "connect-src": "'self'", "font-src": "'self'",
			"img-src": "'self' data:", "base-uri": "'none'", "form-action": "'none'", "frame-ancestors": "'none'",
		} {
			if directives[directive] != want {
				t.Errorf("%s: %s is %q", name, directive, directives[directive])
			}
		}
		for header, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin",
		} {
			if got := response.Header().Get(header); got != want {
				t.Errorf("%s: %s is %q", name, header, got)
			}
		}
	}
	if text := refused.Body.String(); refused.Code != http.StatusForbidden || !strings.Contains(text, "No &lt;b&gt;such&lt;/b&gt; thing.") {
		t.Errorf("a refusal: %d %s", refused.Code, text)
	}
}

func TestWhatIsNotServed(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/graphiql/nothing", "/graphiql/assets", "/graphiql/assets/", "/graphiql/index.html.gz", "/graphiql/../graphiql.go"} {
		if status := get(t, path).Code; status != http.StatusNotFound {
			t.Errorf("%s: %d", path, status)
		}
	}
	if response := send(t, http.MethodPost, "/graphiql"); response.Code != http.StatusMethodNotAllowed || response.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %d %v", response.Code, response.Header())
	}
	response := send(t, http.MethodHead, "/graphiql")
	if response.Code != http.StatusOK || len(response.Header().Get("Content-Length")) < 3 || response.Body.String() != "" {
		t.Errorf("HEAD: %d %v", response.Code, response.Header())
	}
}

func TestUnchangedPageIsNotSentAgain(t *testing.T) {
	t.Parallel()
	tag := get(t, "/graphiql").Header().Get("ETag")
	for given, want := range map[string]int{
		tag: http.StatusNotModified, "W/" + tag: http.StatusNotModified, `"other", ` + tag: http.StatusNotModified, "*": http.StatusNotModified,
		`"other"`: http.StatusOK, strings.Trim(tag, `"`): http.StatusOK,
	} {
		response := get(t, "/graphiql", "If-None-Match", given)
		if response.Code != want || response.Header().Get("ETag") != tag {
			t.Errorf("%s: %d %v", given, response.Code, response.Header())
		}
		if want == http.StatusNotModified && response.Body.String() != "" {
			t.Errorf("%s: it is sent all the same", given)
		}
	}
	if status := get(t, "/graphiql", "If-None-Match", tag, "Accept-Encoding", "gzip").Code; status != http.StatusOK {
		t.Errorf("the plain page's tag is taken for the compressed one: %d", status)
	}
}

func TestAcceptsGzip(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]bool{
		"gzip": true, "gzip, deflate, br, zstd": true, "br;q=1.0, gzip;q=0.8, *;q=0.1": true, "GZIP": true, "x-gzip": true, "*": true,
		"br, gzip ; q=0.001": true, "": false, "identity": false, "br": false, "gzip;q=0": false, "gzip;q=0.000, *": false,
		"*;q=0": false, "gzip;q=x": false, "gzipped": false,
	} {
		if got := acceptsGzip([]string{header}); got != want {
			t.Errorf("%q: %v", header, got)
		}
	}
}

// TestClosesAreExplained has the page know each code with which a WebSocket ends.
func TestClosesAreExplained(t *testing.T) {
	t.Parallel()
	table, err := os.ReadFile("../../internal/gqlhttp/README.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("src/socket.ts")
	if err != nil {
		t.Fatal(err)
	}
	codes := regexp.MustCompile(`(?m)^\| (\d{4}) \|`).FindAllStringSubmatch(string(table), -1)
	if len(codes) < 10 {
		t.Fatalf("the table has the codes %v: not all were found", codes)
	}
	for _, code := range codes {
		if !strings.Contains(string(source), "\n  "+code[1]+": \"") {
			t.Errorf("src/socket.ts does not explain %s", code[1])
		}
	}
}

// TestRefuse offers a name that is known only where names are signed in, and has the browser ask for no icon.
func TestRefuse(t *testing.T) {
	t.Parallel()
	for status, named := range map[int]bool{
		http.StatusBadRequest: true, http.StatusNotFound: true, http.StatusForbidden: false, http.StatusServiceUnavailable: false,
	} {
		answer := httptest.NewRecorder()
		Refuse(answer, status, "<b> is nobody")
		page := answer.Body.String()
		if answer.Code != status || !strings.Contains(page, "&lt;b&gt; is nobody") || !strings.Contains(page, `<link rel="icon" href="data:,">`) ||
			!strings.Contains(page, `href="/graphiql"`) || strings.Contains(page, `href="/graphiql?as=ana@acme"`) != named {
			t.Errorf("%d: %d %s", status, answer.Code, page)
		}
	}
}

// Package graphiql is the GraphiQL page: the build in dist, which is committed so that Go alone builds the program, and
// the handler that serves it. It knows nothing of who may sign in. README.md beside this file says how the page works.
package graphiql

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
)

// Path is where the page is; what it consists of is below.
const Path = "/graphiql"

// policy lets the page load what this server has, and nothing else from anywhere. Monaco writes each line of text with a
// style attribute of its own and adds style elements for its themes, both without a nonce: hence unsafe-inline for styles
// and for nothing else.
const policy = "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; img-src 'self' data:; " +
	"font-src 'self'; style-src 'self' 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// The build: each file compressed, with .gz behind its name.
//
//go:embed dist
var dist embed.FS

// file is one of the build.
type file struct {
	compressed []byte
	mediaType  string
	tag        string // of its plain content
	forever    bool   // its name says what is in it
}

// Handler serves the page at Path, and its files below.
func Handler() http.Handler {
	files := load()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		Protect(w.Header())
		name := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, Path), "/")
		if name == "" {
			name = "index.html"
		}
		f, found := files[name]
		switch {
		case !found:
			http.NotFound(w, r)
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "GET it.", http.StatusMethodNotAllowed)
		default:
			f.serve(w, r)
		}
	})
}

// load reads the build, the first time. One that is broken does not get past any test of this package.
var load = sync.OnceValue(func() map[string]file {
	files := make(map[string]file)
	err := fs.WalkDir(dist, "dist", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		compressed, err := dist.ReadFile(name)
		if err != nil {
			return err
		}
		plain := strings.TrimSuffix(strings.TrimPrefix(name, "dist/"), ".gz")
		sum := sha256.Sum256(compressed)
		files[plain] = file{
			compressed: compressed, mediaType: mediaType(plain), tag: hex.EncodeToString(sum[:16]), forever: strings.HasPrefix(plain, "assets/"),
		}
		return nil
	})
	if err != nil {
		panic(err)
	}
	return files
})

// mediaType is that of a file's name, whatever the machine's own table says.
func mediaType(name string) string {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".md":
		return "text/markdown; charset=utf-8"
	case ".ttf":
		return "font/ttf"
	}
	return mime.TypeByExtension(path.Ext(name))
}

func (f file) serve(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Type", f.mediaType)
	header.Set("Vary", "Accept-Encoding")
	if f.forever {
		header.Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		header.Set("Cache-Control", "no-cache")
	}
	compressed := acceptsGzip(r.Header.Values("Accept-Encoding"))
	tag := `"` + f.tag + `"` // RFC 9110, section 8.8.3.3: another coding, another tag
	if compressed {
		tag = `"` + f.tag + `-gzip"`
	}
	header.Set("ETag", tag)
	if matches(r.Header.Values("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	content := f.compressed
	if compressed {
		header.Set("Content-Encoding", "gzip")
	} else {
		content = plain(f.compressed)
	}
	header.Set("Content-Length", strconv.Itoa(len(content)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(content) // the client may have gone
	}
}

// plain decompresses a file of the build.
func plain(compressed []byte) []byte {
	reader, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		panic(err) // the build is no input
	}
	content, err := io.ReadAll(reader)
	if err != nil {
		panic(err)
	}
	return content
}

// acceptsGzip reports whether the values of Accept-Encoding take gzip: by its name or by *, and not with q=0.
func acceptsGzip(values []string) bool {
	accepted := false
	for _, coding := range strings.Split(strings.Join(values, ","), ",") {
		name, weight, weighted := strings.Cut(coding, ";")
		name = strings.ToLower(strings.TrimSpace(name))
		if name != "gzip" && name != "x-gzip" && name != "*" {
			continue
		}
		taken := true
		if key, q, ok := strings.Cut(strings.TrimSpace(weight), "="); weighted && ok && strings.TrimSpace(key) == "q" {
			number, err := strconv.ParseFloat(strings.TrimSpace(q), 64)
			taken = err == nil && number > 0
		}
		if name != "*" {
			return taken
		}
		accepted = taken
	}
	return accepted
}

// matches reports whether the values of If-None-Match name the tag.
func matches(values []string, tag string) bool {
	for _, each := range strings.Split(strings.Join(values, ","), ",") {
		if each = strings.TrimPrefix(strings.TrimSpace(each), "W/"); each == tag || each == "*" {
			return true
		}
	}
	return false
}

// Protect sets the headers that all answers at Path and below have.
func Protect(header http.Header) {
	header.Set("Content-Security-Policy", policy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
}

//go:embed refusal.html
var refusalText string

var refusal = template.Must(template.New("refusal").Parse(refusalText))

// Refuse answers with a page that tells a person why there is no GraphiQL, and what to do: a sentence or two of text. Where
// only the name was wrong, that is 400 or 404, it offers one of the demo data.
func Refuse(w http.ResponseWriter, status int, message string) {
	Protect(w.Header())
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	named := status == http.StatusBadRequest || status == http.StatusNotFound
	_ = refusal.Execute(w, struct { // the client may have gone
		Message, Path string
		Named         bool
	}{message, Path, named})
}

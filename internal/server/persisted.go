package server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"linkspan/internal/channel"
	"linkspan/internal/gqlhttp"
)

// Operations are documents that clients may name by their SHA-256 instead of sending them.
type Operations struct {
	// ByHash are those that are known beforehand, by the hash in hexadecimal.
	ByHash map[string]string
	// Only refuses all others.
	Only bool
}

// ReadOperations reads documents as graphql-codegen's client preset writes them (persistedDocuments): a JSON object from
// hashes to documents. The preset writes sha256: before a hash; without it is as good. A hash that is not its document's is
// an error.
func ReadOperations(path string) (map[string]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("the operations can't be read: %w", err)
	}
	var all map[string]string
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, fmt.Errorf("%s is not a JSON object from hashes to documents, as graphql-codegen writes persisted-documents.json: %w", path, err)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s has no operation", path)
	}
	byHash := make(map[string]string, len(all))
	for id, document := range all {
		hash := strings.TrimPrefix(id, hashPrefix)
		if hashOf(document) != hash {
			return nil, fmt.Errorf("%s: %q is not the SHA-256 of its document: set persistedDocuments.hashAlgorithm to sha256", path, id)
		}
		byHash[hash] = document
	}
	return byHash, nil
}

// hashPrefix may stand before a hash, and says which one it is (GraphQL over HTTP, appendix A).
const hashPrefix = "sha256:"

func hashOf(document string) string {
	sum := sha256.Sum256([]byte(document))
	return hex.EncodeToString(sum[:])
}

const (
	// maxRemembered is how many documents of clients are remembered, and maxRememberedBytes how long each may be: 16 MiB in all.
	maxRemembered      = 1000
	maxRememberedBytes = 16 << 10
)

// persisted finds the documents that requests name, by Apollo's protocol of automatic persisted queries. Those that
// clients send with their hash are remembered for everybody, once they have turned out to be valid and if somebody is signed in.
type persisted struct {
	known      Operations
	remembered *lru.Cache[string, string]
}

var _ interface {
	graphql.OperationParameterMutator
	graphql.OperationContextMutator
} = (*persisted)(nil)

func newPersisted(known Operations) *persisted {
	remembered, err := lru.New[string, string](maxRemembered)
	if err != nil {
		panic(err) // the size is positive
	}
	return &persisted{known, remembered}
}

// ExtensionName implements [graphql.HandlerExtension].
func (*persisted) ExtensionName() string { return "Persisted" }

// Validate implements [graphql.HandlerExtension].
func (*persisted) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationParameters implements [graphql.OperationParameterMutator].
func (p *persisted) MutateOperationParameters(_ context.Context, params *graphql.RawParams) *gqlerror.Error {
	hash, fault := namedHash(params.Extensions)
	switch {
	case fault != nil:
	case params.Query == "" && hash != "":
		params.Query, fault = p.find(hash)
	case hash != "" && hashOf(params.Query) != hash:
		fault = channel.BadInput("The sha256Hash of persistedQuery is not that of the query.")
	case p.known.Only && p.known.ByHash[hashOf(params.Query)] == "":
		fault = notListed()
	}
	if fault != nil {
		return gqlerror.Wrap(fault)
	}
	return nil
}

// MutateOperationContext implements [graphql.OperationContextMutator]: the document is valid.
func (p *persisted) MutateOperationContext(ctx context.Context, operation *graphql.OperationContext) *gqlerror.Error {
	if channel.ViewerFrom(ctx) == nil || len(operation.Extensions) == 0 || p.known.Only || len(operation.RawQuery) > maxRememberedBytes {
		return nil
	}
	hash, _ := namedHash(operation.Extensions)
	if _, listed := p.known.ByHash[hash]; listed || hash == "" || p.remembered.Contains(hash) {
		return nil
	}
	p.remembered.Add(hash, operation.RawQuery)
	return nil
}

func (p *persisted) find(hash string) (string, *channel.Fault) {
	if document, ok := p.known.ByHash[hash]; ok {
		return document, nil
	}
	if p.known.Only {
		return "", notListed()
	}
	if document, ok := p.remembered.Get(hash); ok {
		return document, nil
	}
	return "", &channel.Fault{Code: channel.PersistedQueryNotFound, Message: "PersistedQueryNotFound"} // clients go by this text
}

func notListed() *channel.Fault {
	return &channel.Fault{Code: channel.OperationNotListed, Message: "This server takes only the operations that it was given a list of."}
}

// hashForm is that of a SHA-256 in hexadecimal.
var hashForm = regexp.MustCompile(`^[0-9a-f]{64}$`)

// namedHash is the hash that a request names a document by, as Apollo's persistedQuery or as a documentId; empty: none.
func namedHash(extensions map[string]any) (string, *channel.Fault) {
	if given, there := extensions[gqlhttp.DocumentIDExtension]; there {
		id, _ := given.(string)
		if hash := strings.TrimPrefix(id, hashPrefix); hashForm.MatchString(hash) {
			return hash, nil
		}
		return "", channel.BadInput("documentId must be a SHA-256: 64 lower-case hexadecimal digits, behind sha256: or alone.")
	}
	given, there := extensions["persistedQuery"]
	if !there || given == nil {
		return "", nil
	}
	fields, _ := given.(map[string]any)
	hash, _ := fields["sha256Hash"].(string)
	hash = strings.TrimPrefix(hash, hashPrefix) // of clients that take it from the preset's documents
	if version, ok := fields["version"].(json.Number); !ok || version.String() != "1" || !hashForm.MatchString(hash) {
		return "", channel.BadInput("persistedQuery must have version 1 and a sha256Hash of 64 lower-case hexadecimal digits.")
	}
	return hash, nil
}

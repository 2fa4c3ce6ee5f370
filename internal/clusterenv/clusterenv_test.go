package clusterenv

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linkspan/shardrouter"
)

func TestShardsOf(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]shardrouter.Shard{
		"shard-1=postgres://s1/db": {{Name: "shard-1", DSN: "postgres://s1/db"}},
		" a=postgres://s1/db ,\n b = postgresql://s2/db,": {
			{Name: "a", DSN: "postgres://s1/db"}, {Name: "b", DSN: "postgresql://s2/db"},
		},
		"shard-1=postgres://u:pw@h1,h2:5433/db?target_session_attrs=read-write,shard-2=postgres://u:pw@h3/db": {
			{Name: "shard-1", DSN: "postgres://u:pw@h1,h2:5433/db?target_session_attrs=read-write"},
			{Name: "shard-2", DSN: "postgres://u:pw@h3/db"},
		},
		"shard-1=host=h1,h2 port=5432,5433 dbname=db,shard-2=service=two,shard-3=user=u host=h": {
			{Name: "shard-1", DSN: "host=h1,h2 port=5432,5433 dbname=db"},
			{Name: "shard-2", DSN: "service=two"},
			{Name: "shard-3", DSN: "user=u host=h"},
		},
		"a=postgres://u:p,w=x,@h/db,b=host=h password='p,w=x, y' dbname=db": {
			{Name: "a", DSN: "postgres://u:p,w=x,@h/db"}, {Name: "b", DSN: "host=h password='p,w=x, y' dbname=db"},
		},
	} {
		got, err := shardsOf(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

func TestShardsThatAreRefusedShowNothingOfAPassword(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                             "not set",
		" , ":                          "not set",
		"postgres://u:se,cret@h/db":    "does not begin with name=dsn",
		"=postgres://u:se,cret@h/db":   "does not begin with name=dsn",
		"a b=postgres://u:secret@h/db": "does not begin with name=dsn",
		"a=secret":                     "does not begin with name=dsn",
		"secret":                       "does not begin with name=dsn",
		"secret,a=postgres://u:secret@h/db,b=host=h":       "does not begin with name=dsn",
		"a=postgres://u:se,cret@h/db,b=":                   "without a DSN, behind that of a",
		strings.Repeat("a", 64) + "=postgres://u:secret@h": "does not begin with name=dsn",
	} {
		got, err := shardsOf(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, %v, want %q in the error", text, got, err, want)
			continue
		}
		for _, piece := range []string{"secret", "cret", "se,", "u:"} {
			if strings.Contains(err.Error(), piece) {
				t.Errorf("%q: %q is in %v", text, piece, err)
			}
		}
	}
}

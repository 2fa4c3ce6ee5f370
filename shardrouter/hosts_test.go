package shardrouter

import (
	"context"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"linkspan/internal/localpg/localpgtest"
)

// A host that takes connections and says nothing is passed over where another answers.
func TestSilentHostIsLeftOut(t *testing.T) {
	t.Parallel()
	config := installed(t, "a")
	parsed, err := pgx.ParseConfig(config.dsn("a"))
	if err != nil {
		t.Fatal(err)
	}
	at := localpgtest.NewDetour(t, config.dsn("a"))
	listener, err := net.Listen("unix", at.Listen)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	live, silent, nowhere := parsed.Host, filepath.Dir(at.Listen), t.TempDir()
	withHosts := func(hosts ...string) Config {
		several := config
		several.Shards = []Shard{{"a", strings.Replace(config.dsn("a"), "host="+live, "host="+strings.Join(hosts, ","), 1)}}
		return several
	}
	for name, test := range map[string]struct{ hosts, want []string }{
		"silent first": {[]string{silent, live}, []string{live}},
		"silent last":  {[]string{live, silent}, []string{live}},
		"absent, too":  {[]string{nowhere, silent, live}, []string{live}},
		"none answers": {[]string{silent, nowhere}, []string{silent, nowhere}},
		"both answer":  {[]string{live, live}, []string{live, live}},
		"only one":     {[]string{silent}, []string{silent}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			several := withHosts(test.hosts...)
			database, err := newDatabase(mustCheck(t, several), identity{cluster: "a"}, several.dsn("a"))
			if err != nil {
				t.Fatal(err)
			}
			defer database.close()
			left := database.probing.Copy()
			database.withoutSilentHosts(context.WithoutCancel(t.Context()), left)
			var got []string
			for _, host := range hostsOf(left) {
				got = append(got, host.Host)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("hosts %v, want %v", got, test.want)
			}
		})
	}
	r := openRouter(t, withHosts(silent, live))
	if _, err := noteWays[0].read(t.Context(), r, slotOn(t, r, "a", 0), 1); err != errNoNote {
		t.Errorf("read past a silent host: %v, want %v", err, errNoNote)
	}
}

package shardrouter

import (
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"linkspan/internal/localpg/localpgtest"
)

// A host that takes connections and says nothing holds nobody up where another answers.
func TestSilentHost(t *testing.T) {
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
		several := mustCheck(t, config)
		several.AttemptTimeout, several.ConnectTimeout = 4*time.Second, time.Hour // whoever waits for a silent one, waits too long
		several.Shards = []Shard{{"a", strings.Replace(config.dsn("a"), "host="+live, "host="+strings.Join(hosts, ","), 1)}}
		return several
	}
	for name, test := range map[string]struct{ hosts, connect, probe []string }{
		"silent first":        {[]string{silent, live}, []string{live, silent}, []string{live}},
		"silent last":         {[]string{live, silent}, []string{live, silent}, []string{live}},
		"absent, too":         {[]string{nowhere, silent, live}, []string{live, nowhere, silent}, []string{live}},
		"none answers":        {[]string{silent, nowhere}, []string{silent, nowhere}, []string{silent, nowhere}},
		"one":                 {[]string{silent}, []string{silent}, []string{silent}},
		"one, tried two ways": {[]string{silent, silent}, []string{silent, silent}, []string{silent, silent}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			several := withHosts(test.hosts...)
			database, err := newDatabase(several, identity{cluster: "a"}, several.dsn("a"))
			if err != nil {
				t.Fatal(err)
			}
			defer database.close()
			connect, probe := database.probing.Copy(), database.probing.Copy()
			database.silentLast(t.Context(), connect)
			database.withoutSilent(t.Context(), database.dialer, probe)
			for _, tried := range []struct {
				config *pgx.ConnConfig
				want   []string
			}{{connect, test.connect}, {probe, test.probe}} {
				var got []string
				for _, host := range hostsOf(tried.config) {
					got = append(got, host.Host)
				}
				if !slices.Equal(got, tried.want) {
					t.Errorf("hosts %v, want %v", got, tried.want)
				}
			}
		})
	}
	r := openRouter(t, withHosts(silent, live))
	if _, err := noteWays[0].read(t.Context(), r, slotOn(t, r, "a", 0), 1); err != errNoNote {
		t.Errorf("read past a silent host: %v, want %v", err, errNoNote)
	}
	if err := r.shards["a"].probe(t.Context()); err != nil {
		t.Errorf("probe past a silent host: %v", err)
	}
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * The grammar of smtpd.conf.  It walks the tokens that conf_lex() made and
 * calls conf/build.c, which makes the tree and checks each part.
 */
%code requires {
#include "smtpd/conf/build.h"
#include "smtpd/conf/lex.h"
}

%code {
static int yylex(YYSTYPE *value, YYLTYPE *at, struct conf_builder *b);
static void yyerror(
    const YYLTYPE *at, struct conf_builder *b, const char *text);

#define YYLLOC_DEFAULT(current, rhs, n)                                    \
	((current) = (n) > 0 ? (rhs)[1] : (rhs)[0])
#define B(at) build_at(b, (at))
}

%define api.pure full
%define api.header.include {"smtpd/conf/grammar.h"}
%define api.location.type {struct conf_pos}
%define parse.error custom
%define parse.lac full
%locations
%parse-param { struct conf_builder *b }
%lex-param { struct conf_builder *b }
%initial-action { @$ = (struct conf_pos){ "", 0, 0 }; }

%union {
	const char *text;
	struct conf_table *table;
	bool flag;
	uint64_t span;
	const struct conf_filter *filter;
	enum filter_phase phase;
}

%token ACTION "action" ADMD "admd" ALIAS "alias"
%token ANY "any" ARROW "=>" AUTH "auth"
%token AUTH_OPTIONAL "auth-optional" BACKUP "backup" BOUNCE "bounce"
%token BYPASS "bypass"
%token CA "ca" CERT "cert" CHAIN "chain"
%token CHROOT "chroot" CIPHERS "ciphers" COMMIT "commit"
%token COMPRESSION "compression" CONNECT "connect" DATA "data"
%token DATA_LINE "data-line"
%token DHE "dhe" DISCONNECT "disconnect" DOMAIN "domain"
%token EHLO "ehlo" ENCRYPTION "encryption" EXPAND_ONLY "expand-only"
%token FCRDNS "fcrdns" FILTER "filter" FOR "for"
%token FORWARD_ONLY "forward-only" FROM "from" GROUP "group"
%token HELO "helo" HELO_SRC "helo-src" HOST "host"
%token HOSTNAME "hostname" HOSTNAMES "hostnames" INCLUDE "include"
%token INET4 "inet4" INET6 "inet6" JUNK "junk"
%token KEY "key" LIMIT "limit" LISTEN "listen"
%token LMTP "lmtp" LOCAL "local" MAIL_FROM "mail-from"
%token MAILDIR "maildir" MASK_SRC "mask-src"
%token MASQUERADE "masquerade" MATCH "match" MAX_DEFERRED "max-deferred"
%token MAX_MESSAGE_SIZE "max-message-size" MBOX "mbox" MDA "mda"
%token MTA "mta" MX "mx" NO_DSN "no-dsn"
%token NO_VERIFY "no-verify" NOOP "noop" ON "on"
%token PHASE "phase" PKI "pki" PORT "port"
%token PROC "proc" PROC_EXEC "proc-exec" PROTOCOLS "protocols"
%token PROXY_V2 "proxy-v2"
%token QUEUE "queue" QUIT "quit" RCPT_TO "rcpt-to"
%token RDNS "rdns" RECEIVED_AUTH "received-auth" RECIPIENT "recipient"
%token REGEX "regex" REJECT "reject" RELAY "relay"
%token REPORT "report" REWRITE "rewrite" RSET "rset"
%token SCHEDULER "scheduler" SENDERS "senders" SMTP "smtp"
%token SMTP_IN "smtp-in" SMTP_OUT "smtp-out" SMTPS "smtps"
%token SOCKET "socket" SRC "src" SRS "srs"
%token SUB_ADDR_DELIM "sub-addr-delim" TABLE "table" TAG "tag"
%token TAGGED "tagged" TLS "tls" TLS_REQUIRE "tls-require"
%token TTL "ttl" USER "user"
%token USERBASE "userbase" VERIFY "verify" VIRTUAL "virtual"
%token WARN_INTERVAL "warn-interval" WRAPPER "wrapper"
%token <text> STRING "a string"
%token <text> NUMBER "a number"
%token END 0 "end of file"

%type <text> word
%type <table> tableref table_or_items named_table
%type <flag> negation regex
%type <span> delay size
%type <filter> filter_ref
%type <phase> filter_phase

%%

conf	: %empty
	| conf '\n'
	| conf statement '\n'
	| conf error '\n'	{ yyerrok; }
	;

statement
	: admd | bounce | ca | pki | mda | mta | queue | scheduler | smtp
	| srs | proc | table | listen | action | match | filter
	;

word	: STRING
	| NUMBER
	;

delay	: STRING		{ $$ = build_delay(B(@1), $1); }
	;

size	: NUMBER		{ $$ = build_count(B(@1), $1); }
	| STRING		{ $$ = build_size(B(@1), $1); }
	;

nl	: %empty
	| nl '\n'
	;

sep	: ','
	| '\n'
	| sep ','
	| sep '\n'
	;

last_sep: %empty
	| sep
	;

arrow	: ARROW | '='
	;

named_table
	: '<' word '>'		{ $$ = build_table_ref(B(@2), $2); }
	;

/* Where a lone word would be the next option. */
table_or_items
	: named_table
	| '{' { build_anonymous(B(@1)); } nl items last_sep '}'
				{ $$ = build_table_end(b); }
	;

tableref
	: table_or_items
	| word			{ build_anonymous(B(@1));
				  build_table_value(B(@1), $1, NULL);
				  $$ = build_table_end(b); }
	;

items	: item
	| items sep item
	;

item	: word			{ build_table_value(B(@1), $1, NULL); }
	| word arrow word	{ build_table_value(B(@1), $1, $3); }
	;

table	: TABLE word word	{ build_table_path(B(@2), $2, $3); }
	| TABLE word { build_table(B(@2), $2); }
	  '{' nl items last_sep '}'	{ build_table_end(b); }
	;

admd	: ADMD word		{ build_admd(B(@2), $2); }
	;

bounce	: BOUNCE WARN_INTERVAL { build_warn_reset(b); } warnings
	;

warnings
	: delay			{ build_warn(B(@1), $1); }
	| warnings ',' delay	{ build_warn(B(@3), $3); }
	;

ca	: CA word CERT word	{ build_ca(B(@2), $2, $4); }
	;

pki	: PKI word { build_pki(B(@2), $2); } pki_options
	;

pki_options
	: pki_option
	| pki_options pki_option
	;

pki_option
	: CERT word		{ build_pki_set(B(@1), CERT, $2); }
	| KEY word		{ build_pki_set(B(@1), KEY, $2); }
	| DHE word		{ build_pki_set(B(@1), DHE, $2); }
	;

mda	: MDA WRAPPER word word	{ build_wrapper(B(@3), $3, $4); }
	| MDA LIMIT limits	{ build_limits(B(@1), MDA); }
	;

mta	: MTA MAX_DEFERRED NUMBER
				{ build_max_deferred(B(@3), $3); }
	| MTA LIMIT { build_mta_limits(b); } limit_scope mta_limits
				{ build_limits(B(@1), MTA); }
	;

limit_scope
	: %empty
	| FOR DOMAIN word	{ build_mta_domain(B(@3), $3); }
	;

mta_limits
	: mta_limit
	| mta_limits mta_limit
	;

mta_limit
	: limit
	| INET4			{ build_mta_family(B(@1), INET4); }
	| INET6			{ build_mta_family(B(@1), INET6); }
	;

limits	: limit
	| limits limit
	;

limit	: STRING NUMBER		{ build_limit(B(@1), $1, $2); }
	;

scheduler
	: SCHEDULER LIMIT limits
				{ build_limits(B(@1), SCHEDULER); }
	;

queue	: QUEUE COMPRESSION	{ build_queue_compression(b); }
	| QUEUE ENCRYPTION	{ build_queue_key(B(@2), ""); }
	| QUEUE ENCRYPTION word	{ build_queue_key(B(@3), $3); }
	| QUEUE TTL delay	{ build_queue_ttl(b, $3); }
	| QUEUE STRING size	{ build_queue_size(B(@2), $2, $3); }
	;

smtp	: SMTP CIPHERS word	{ build_smtp_ciphers(b, $3); }
	| SMTP LIMIT limits	{ build_limits(B(@1), SMTP); }
	| SMTP MAX_MESSAGE_SIZE size
				{ build_message_size(B(@3), $3); }
	| SMTP SUB_ADDR_DELIM word
				{ build_delimiter(B(@3), $3); }
	;

srs	: SRS KEY word		{ build_srs_key(b, $3, false); }
	| SRS KEY BACKUP word	{ build_srs_key(b, $4, true); }
	| SRS TTL delay		{ build_srs_ttl(B(@3), $3); }
	;

proc	: PROC word word { build_proc(B(@2), $2, $3); } proc_options
	;

proc_options
	: %empty
	| proc_options USER word
				{ build_proc_option(B(@2), USER, $3); }
	| proc_options GROUP word
				{ build_proc_option(B(@2), GROUP, $3); }
	| proc_options CHROOT word
				{ build_proc_option(B(@2), CHROOT, $3); }
	;

listen	: LISTEN ON SOCKET { build_listen(B(@1), NULL); } listen_options
				{ build_listen_end(b); }
	| LISTEN ON word { build_listen(B(@1), $3); } listen_options
				{ build_listen_end(b); }
	;

listen_options
	: %empty
	| listen_options listen_option
	;

filter_ref
	: word			{ $$ = build_filter_ref(B(@1), $1); }
	| '{' { build_filter_anonymous(B(@1)); } nl filter_names last_sep '}'
				{ $$ = b->filter; }
	;

filter_names
	: word			{ build_filter_member(B(@1), $1); }
	| filter_names sep word	{ build_filter_member(B(@3), $3); }
	;

listen_option
	: INET4			{ build_listen_family(B(@1), INET4); }
	| INET6			{ build_listen_family(B(@1), INET6); }
	| PORT word		{ build_listen_text(B(@1), PORT, $2); }
	| PORT SMTP		{ build_listen_text(B(@1), PORT, "smtp"); }
	| PORT SMTPS		{ build_listen_text(B(@1), PORT, "smtps"); }
	| SMTPS			{ build_listen_tls(B(@1), SMTPS, false); }
	| SMTPS VERIFY		{ build_listen_tls(B(@1), SMTPS, true); }
	| TLS			{ build_listen_tls(B(@1), TLS, false); }
	| TLS VERIFY		{ build_listen_tls(B(@1), TLS, true); }
	| TLS_REQUIRE		{ build_listen_tls(B(@1), TLS_REQUIRE,
				      false); }
	| TLS_REQUIRE VERIFY	{ build_listen_tls(B(@1), TLS_REQUIRE,
				      true); }
	| PKI word		{ build_listen_pki(B(@2), $2); }
	| CA word		{ build_listen_ca(B(@2), $2); }
	| CIPHERS word		{ build_listen_text(B(@1), CIPHERS, $2); }
	| PROTOCOLS word	{ build_listen_text(B(@1), PROTOCOLS, $2); }
	| AUTH			{ build_listen_auth(B(@1), AUTH, NULL); }
	| AUTH table_or_items	{ build_listen_auth(B(@1), AUTH, $2); }
	| AUTH_OPTIONAL		{ build_listen_auth(B(@1), AUTH_OPTIONAL,
				      NULL); }
	| AUTH_OPTIONAL table_or_items
				{ build_listen_auth(B(@1), AUTH_OPTIONAL,
				      $2); }
	| FILTER filter_ref	{ build_listen_filter(B(@1), $2); }
	| HOSTNAME word		{ build_listen_text(B(@1), HOSTNAME, $2); }
	| HOSTNAMES tableref	{ build_listen_hostnames(B(@1), $2); }
	| TAG word		{ build_listen_text(B(@1), TAG, $2); }
	| MASK_SRC		{ build_listen_flag(B(@1), MASK_SRC); }
	| RECEIVED_AUTH		{ build_listen_flag(B(@1), RECEIVED_AUTH); }
	| NO_DSN		{ build_listen_flag(B(@1), NO_DSN); }
	| PROXY_V2		{ build_listen_flag(B(@1), PROXY_V2); }
	| SENDERS tableref	{ build_listen_senders(B(@1), $2, false); }
	| SENDERS tableref MASQUERADE
				{ build_listen_senders(B(@1), $2, true); }
	;

action	: ACTION word { build_action(B(@2), $2); } method action_options
				{ build_action_end(b); }
	;

method	: MBOX			{ build_method(b, CONF_MBOX, NULL); }
	| MAILDIR		{ build_method(b, CONF_MAILDIR, NULL); }
	| MAILDIR word		{ build_method(b, CONF_MAILDIR, $2); }
	| LMTP word		{ build_method(b, CONF_LMTP, $2); }
	| MDA word		{ build_method(b, CONF_MDA, $2); }
	| EXPAND_ONLY		{ build_method(b, CONF_EXPAND_ONLY, NULL); }
	| FORWARD_ONLY		{ build_method(b, CONF_FORWARD_ONLY, NULL); }
	| RELAY			{ build_method(b, CONF_RELAY, NULL); }
	;

action_options
	: %empty
	| action_options action_option
	;

action_option
	: TTL delay		{ build_action_ttl(B(@1), $2); }
	| JUNK			{ build_action_flag(B(@1), JUNK); }
	| RCPT_TO		{ build_action_flag(B(@1), RCPT_TO); }
	| ALIAS tableref	{ build_action_table(B(@1), ALIAS, $2); }
	| VIRTUAL tableref	{ build_action_table(B(@1), VIRTUAL, $2); }
	| USERBASE tableref	{ build_action_table(B(@1), USERBASE, $2); }
	| USER word		{ build_action_text(B(@1), USER, $2); }
	| WRAPPER word		{ build_action_wrapper(B(@1), $2); }
	| AUTH tableref		{ build_action_table(B(@1), AUTH, $2); }
	| BACKUP		{ build_action_text(B(@1), BACKUP, NULL); }
	| BACKUP MX word	{ build_action_text(B(@1), BACKUP, $3); }
	| CA word		{ build_action_ca(B(@2), $2); }
	| CIPHERS word		{ build_action_text(B(@1), CIPHERS, $2); }
	| PROTOCOLS word	{ build_action_text(B(@1), PROTOCOLS, $2); }
	| DOMAIN tableref	{ build_action_table(B(@1), DOMAIN, $2); }
	| FILTER filter_ref	{ build_action_filter(B(@1), $2); }
	| HELO word		{ build_action_text(B(@1), HELO, $2); }
	| HELO_SRC tableref	{ build_action_table(B(@1), HELO_SRC, $2); }
	| HOST tableref		{ build_action_table(B(@1), HOST, $2); }
	| MAIL_FROM word	{ build_action_text(B(@1), MAIL_FROM, $2); }
	| PKI word		{ build_action_pki(B(@2), $2); }
	| SRC tableref		{ build_action_table(B(@1), SRC, $2); }
	| SRS			{ build_action_flag(B(@1), SRS); }
	| TLS			{ build_action_flag(B(@1), TLS); }
	| TLS NO_VERIFY		{ build_action_flag(B(@1), TLS);
				  build_action_flag(B(@2), NO_VERIFY); }
	;

match	: MATCH { build_match(B(@1)); } criteria verdict
	;

verdict	: ACTION word		{ build_match_action(B(@2), $2); }
	| REJECT		{ build_match_action(B(@1), NULL); }
	;

criteria
	: %empty
	| criteria criterion
	;

negation: %empty		{ $$ = false; }
	| '!'			{ $$ = true; }
	;

regex	: %empty		{ $$ = false; }
	| REGEX			{ $$ = true; }
	;

criterion
	: negation TAG regex tableref
		{ build_test(B(@2), CONF_TEST_TAG, $1, $3, $4); }
	| negation TAGGED regex tableref
		{ build_test(B(@2), CONF_TEST_TAG, $1, $3, $4); }
	| negation HELO regex tableref
		{ build_test(B(@2), CONF_TEST_HELO, $1, $3, $4); }
	| negation TLS
		{ build_test(B(@2), CONF_TEST_TLS, $1, false, NULL); }
	| negation AUTH
		{ build_test(B(@2), CONF_TEST_AUTH, $1, false, NULL); }
	| negation AUTH regex tableref
		{ build_test(B(@2), CONF_TEST_AUTH, $1, $3, $4); }
	| negation MAIL_FROM regex tableref
		{ build_test(B(@2), CONF_TEST_MAIL_FROM, $1, $3, $4); }
	| negation RCPT_TO regex tableref
		{ build_test(B(@2), CONF_TEST_RCPT_TO, $1, $3, $4); }
	| negation FROM ANY
		{ build_test(B(@2), CONF_TEST_FROM_ANY, $1, false, NULL); }
	| negation FROM LOCAL
		{ build_test(B(@2), CONF_TEST_FROM_LOCAL, $1, false, NULL); }
	| negation FROM SOCKET
		{ build_test(B(@2), CONF_TEST_FROM_SOCKET, $1, false, NULL); }
	| negation FROM SRC regex tableref
		{ build_test(B(@2), CONF_TEST_FROM_SRC, $1, $4, $5); }
	| negation FROM RDNS
		{ build_test(B(@2), CONF_TEST_FROM_RDNS, $1, false, NULL); }
	| negation FROM RDNS regex tableref
		{ build_test(B(@2), CONF_TEST_FROM_RDNS, $1, $4, $5); }
	| negation FROM AUTH
		{ build_test(B(@2), CONF_TEST_FROM_AUTH, $1, false, NULL); }
	| negation FROM AUTH regex tableref
		{ build_test(B(@2), CONF_TEST_FROM_AUTH, $1, $4, $5); }
	| negation FROM MAIL_FROM regex tableref
		{ build_test(B(@2), CONF_TEST_FROM_MAIL_FROM, $1, $4, $5); }
	| negation FOR ANY
		{ build_test(B(@2), CONF_TEST_FOR_ANY, $1, false, NULL); }
	| negation FOR LOCAL
		{ build_test(B(@2), CONF_TEST_FOR_LOCAL, $1, false, NULL); }
	| negation FOR DOMAIN regex tableref
		{ build_test(B(@2), CONF_TEST_FOR_DOMAIN, $1, $4, $5); }
	| negation FOR RCPT_TO regex tableref
		{ build_test(B(@2), CONF_TEST_FOR_RCPT_TO, $1, $4, $5); }
	;

filter	: FILTER word { build_filter(B(@2), $2); } filter_rest
	;

filter_rest
	: PROC word		{ build_filter_proc(B(@2), $2); }
	| PROC_EXEC word { build_filter_exec(B(@2), $2); } proc_options
	| CHAIN { build_filter_chain(b); } '{' nl filter_names last_sep '}'
	| PHASE filter_phase	{ build_filter_phase(b, $2); }
	  MATCH filter_condition filter_decision
	;

filter_phase
	: CONNECT		{ $$ = FILTER_CONNECT; }
	| HELO			{ $$ = FILTER_HELO; }
	| EHLO			{ $$ = FILTER_EHLO; }
	| AUTH			{ $$ = FILTER_AUTH; }
	| MAIL_FROM		{ $$ = FILTER_MAIL_FROM; }
	| RCPT_TO		{ $$ = FILTER_RCPT_TO; }
	| DATA			{ $$ = FILTER_DATA; }
	| COMMIT		{ $$ = FILTER_COMMIT; }
	| STRING		{ $$ = build_filter_phase_word(B(@1), $1); }
	;

filter_condition
	: negation FCRDNS
		{ build_filter_test(B(@2), CONF_FILTER_FCRDNS, $1, false,
		      NULL); }
	| negation RDNS
		{ build_filter_test(B(@2), CONF_FILTER_RDNS, $1, false,
		      NULL); }
	| negation RDNS regex tableref
		{ build_filter_test(B(@2), CONF_FILTER_RDNS, $1, $3, $4); }
	| negation SRC regex tableref
		{ build_filter_test(B(@2), CONF_FILTER_SRC, $1, $3, $4); }
	| negation HELO regex tableref
		{ build_filter_test(B(@2), CONF_FILTER_HELO, $1, $3, $4); }
	| negation AUTH
		{ build_filter_test(B(@2), CONF_FILTER_AUTH, $1, false,
		      NULL); }
	| negation AUTH regex tableref
		{ build_filter_test(B(@2), CONF_FILTER_AUTH, $1, $3, $4); }
	| negation MAIL_FROM regex tableref
		{ build_filter_test(B(@2), CONF_FILTER_MAIL_FROM, $1, $3,
		      $4); }
	| negation RCPT_TO regex tableref
		{ build_filter_test(B(@2), CONF_FILTER_RCPT_TO, $1, $3, $4); }
	;

filter_decision
	: BYPASS	{ build_filter_decision(B(@1), BYPASS, NULL); }
	| DISCONNECT word
			{ build_filter_decision(B(@2), DISCONNECT, $2); }
	| JUNK		{ build_filter_decision(B(@1), JUNK, NULL); }
	| REJECT word	{ build_filter_decision(B(@2), REJECT, $2); }
	| REPORT word	{ build_filter_decision(B(@2), REPORT, $2); }
	| REWRITE word	{ build_filter_decision(B(@2), REWRITE, $2); }
	;

%%

static int
yylex(YYSTYPE *value, YYLTYPE *at, struct conf_builder *b)
{
	const struct conf_token *t = &b->lexer->tokens[b->next];

	*at = t->pos;
	value->text = t->text;
	if (t->type != 0)
		b->next++;
	return t->type;
}

/* Only a failed allocation of the parser's own stack comes here. */
static void
yyerror(const YYLTYPE *at, struct conf_builder *b, const char *text)
{
	build_problem(build_at(b, *at), "%s", text);
}

static int
yyreport_syntax_error(const yypcontext_t *ctx, struct conf_builder *b)
{
	enum { EXPECTED_MAX = 64, EXPECTED_SHOWN = 12 };
	yysymbol_kind_t expected[EXPECTED_MAX];
	const char *names[EXPECTED_SHOWN];
	int n = yypcontext_expected_tokens(ctx, expected, EXPECTED_MAX);
	size_t n_names = 0;

	for (int i = 0; i < n && n_names < EXPECTED_SHOWN; i++)
		names[n_names++] = yysymbol_name(expected[i]);
	build_syntax_error(build_at(b, *yypcontext_location(ctx)), names,
	    n_names, n > EXPECTED_SHOWN);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * child.c: the process that runs a file, and the pipe it reports through.
 *
 * The report is text, a line each, written before the next thing is done:
 *	B :LINE TYPE	a command begins
 *	P		it passed
 *	F TEXT		it failed
 *	O REASON	it is open
 *	E TEXT		the file ends here, with commands left
 * The time limit is the child's own alarm, whose signal ends it.
 */
#include "child.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "threads.h"

/* -- The child --------------------------------------------------------------------------- */

static int report_error(FILE *out, const char *what, const char *text)
{
	fprintf(out, "E %s: %s\n", what, text);
	return 1;
}

static int read_text(const char *path, char **ret, size_t *ret_size)
{
	FILE *file = fopen(path, "re");
	size_t room = JSON_SIZE_MAX + 1, size;
	char *text;
	int rc;

	if (file == NULL)
		return -errno;
	text = malloc(room);
	if (text == NULL) {
		fclose(file);
		return -ENOMEM;
	}
	size = fread(text, 1, room, file);
	rc = ferror(file) ? -EIO : 0;
	fclose(file);
	if (rc != 0) {
		free(text);
		return rc;
	}
	*ret = text;
	*ret_size = size;
	return 0;
}

static int run_text(const struct script_options *options, const char *folder,
		    const struct json *json, FILE *out)
{
	struct json_value list = json_find(json_root(json), "commands");
	struct skiff_error err = {""};
	struct script script = {0};
	int rc;

	if (json_kind(list) != JSON_ARRAY)
		return report_error(out, "the file", "no array of commands");
	rc = script_init(&script, options, folder, &err);
	if (rc == 0)
		threads_run(&script, list, out);
	else
		report_error(out, "the engine does not start", err.text);
	script_deinit(&script);
	return rc != 0;
}

static int run_file(const struct script_options *options, const struct manifest_row *row, FILE *out)
{
	char path[4096], folder[4096], *text = NULL;
	struct json *json;
	struct err err = {""};
	size_t size = 0;
	int rc;

	snprintf(folder, sizeof(folder), "%s/%s", options->suite, row->group);
	snprintf(path, sizeof(path), "%s/%s.json", options->suite, row->name);
	rc = read_text(path, &text, &size);
	if (rc != 0)
		return report_error(out, "read the file", strerror(-rc));
	rc = json_parse(&json, text, size, &err);
	free(text);
	if (rc != 0)
		return report_error(out, "parse the file", err.text);
	rc = run_text(options, folder, json, out);
	json_free(json);
	return rc;
}

/* -- The parent -------------------------------------------------------------------------- */

struct reader {
	struct summary *summary; /* borrowed */
	char place[256]; /* of the last command begun */
	char trouble[VERDICT_TEXT_MAX];
};

static void read_line(struct reader *reader, char *line)
{
	struct verdict verdict = {VERDICT_PASSED, ""};
	const char *text = line + 2;

	line[strcspn(line, "\n")] = '\0';
	if (line[0] == '\0' || line[1] != ' ')
		return;
	switch (line[0]) {
	case 'B':
		snprintf(reader->place, sizeof(reader->place), "%s", text);
		return;
	case 'E':
		snprintf(reader->trouble, sizeof(reader->trouble), "%s", text);
		return;
	case 'F':
		verdict_fail(&verdict, "%s", text);
		break;
	case 'O':
		verdict_open(&verdict, "%s", text);
		break;
	case 'P':
		break;
	default:
		return;
	}
	summary_add(reader->summary, reader->place, &verdict);
}

static void read_report(struct reader *reader, int fd)
{
	FILE *in = fdopen(fd, "r");
	char *line = NULL;
	size_t room = 0;

	if (in == NULL) {
		close(fd);
		return;
	}
	while (getline(&line, &room, in) > 0)
		read_line(reader, line);
	free(line);
	fclose(in);
}

static void note_end(struct reader *reader, int status, unsigned seconds)
{
	char *text = reader->trouble;
	size_t size = sizeof(reader->trouble);

	if (text[0] != '\0')
		return;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		snprintf(text, size, "not done after %u seconds", seconds);
	else if (WIFSIGNALED(status))
		snprintf(text, size, "killed by signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
		snprintf(text, size, "the process ended with status %d", WEXITSTATUS(status));
}

static void run_child(const struct script_options *options, const struct manifest_row *row,
		      unsigned seconds, int fd)
{
	FILE *out = fdopen(fd, "w");
	int rc;

	alarm(seconds);
	if (out == NULL)
		exit(1);
	rc = run_file(options, row, out);
	if (fclose(out) != 0)
		rc = 1;
	exit(rc); /* not _exit: leaks are looked for at exit */
}

int child_run(const struct script_options *options, const struct manifest_row *row,
	      unsigned seconds, struct summary *summary)
{
	struct reader reader = {.summary = summary};
	int ends[2], status = 0;
	pid_t pid;

	if (!summary_begin(summary, row))
		return -ENOMEM;
	fflush(NULL); /* or the child would print it again */
	if (pipe(ends) < 0)
		return -errno;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		close(ends[0]);
		run_child(options, row, seconds, ends[1]);
	}
	close(ends[1]);
	read_report(&reader, ends[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	note_end(&reader, status, seconds);
	summary_end(summary, reader.place, reader.trouble[0] != '\0' ? reader.trouble : NULL);
	return 0;
}

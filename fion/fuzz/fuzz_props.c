/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * The bytes of a property, read as each kind there is: texts come out short,
 * whole and without control characters, sizes come out as sizes.
 */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "fion/text/text.h"
#include "fion/x/props.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
require(bool holds)
{
	if (!holds)
		abort();
}

/* Text that may be shown; takes it. */
static void
check_text(char *text)
{
	json_t *j = json_string(text); /* refuses what is not UTF-8 */

	require(j != NULL);
	require(strlen(text) < TEXT_BYTES + 4);
	for (const char *p = text; *p != '\0'; p++)
		require((unsigned char)*p >= 0x20 && *p != 0x7f);
	json_decref(j);
	free(text);
}

static void
check_size(const uint8_t *data, size_t len)
{
	struct props_size s = props_size(data, len);
	int w = (int)props_card(data, len, 5, 1) & 0xffff;
	int h = (int)props_card(data, len, 6, 1) & 0xffff;

	props_constrain(&s, &w, &h);
	require(w >= 1 && h >= 1 && w <= 65535 && h <= 65535);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct props_strut strut;
	char *instance, *class;

	check_text(text_clean(data, len, true));
	check_text(text_clean(data, len, false));
	props_class(data, len, &instance, &class);
	check_text(instance);
	check_text(class);
	check_size(data, len);
	(void)props_hints(data, len);
	(void)props_motif_plain(data, len);
	for (int partial = 0; partial <= 1; partial++)
		if (props_strut(data, len, partial != 0, &strut))
			require(strut.left > 0 || strut.right > 0 ||
			    strut.top > 0 || strut.bottom > 0);
	require(props_has(data, len, props_card(data, len, 0, 0)) || len < 4);
	return 0;
}

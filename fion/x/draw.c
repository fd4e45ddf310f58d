/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <stdlib.h>

#include <pango/pangocairo.h>

#include "lib/mem.h"

#include "fion/x/draw.h"

struct draw {
	int dpi; /* of the server */
	int used_dpi;
	PangoFontDescription *font;
	PangoContext *context;
	PangoLayout *layout;
	cairo_surface_t *surface;
	cairo_t *cr;
	int w, h;
};

struct draw *
draw_new(int dpi)
{
	struct draw *d = xcalloc(1, sizeof(*d));

	/* What servers invent when they do not know is near 96. */
	d->dpi = dpi < 60 || dpi > 600 ? 96 : dpi;
	return d;
}

void
draw_end(struct draw *d)
{
	if (d->cr != NULL)
		cairo_destroy(d->cr);
	if (d->surface != NULL)
		cairo_surface_destroy(d->surface);
	d->cr = NULL;
	d->surface = NULL;
}

static void
end_font(struct draw *d)
{
	if (d->layout != NULL)
		g_object_unref(d->layout);
	if (d->context != NULL)
		g_object_unref(d->context);
	if (d->font != NULL)
		pango_font_description_free(d->font);
	d->layout = NULL;
	d->context = NULL;
	d->font = NULL;
}

void
draw_free(struct draw *d)
{
	if (d == NULL)
		return;
	draw_end(d);
	end_font(d);
	free(d);
}

int
draw_font(struct draw *d, const char *font, int dpi)
{
	PangoFontMetrics *metrics;
	int height;

	end_font(d);
	d->used_dpi = dpi > 0 ? dpi : d->dpi;
	d->font = pango_font_description_from_string(font);
	d->context =
	    pango_font_map_create_context(pango_cairo_font_map_get_default());
	pango_cairo_context_set_resolution(d->context, d->used_dpi);
	pango_context_set_font_description(d->context, d->font);
	d->layout = pango_layout_new(d->context);
	pango_layout_set_font_description(d->layout, d->font);
	pango_layout_set_single_paragraph_mode(d->layout, TRUE);
	pango_layout_set_ellipsize(d->layout, PANGO_ELLIPSIZE_END);
	metrics = pango_context_get_metrics(d->context, d->font, NULL);
	height = (pango_font_metrics_get_ascent(metrics) +
		     pango_font_metrics_get_descent(metrics)) /
	    PANGO_SCALE;
	pango_font_metrics_unref(metrics);
	return height < 1 ? 12 : height;
}

static void
set_colour(struct draw *d, uint32_t c)
{
	cairo_set_source_rgb(d->cr, (c >> 16 & 255) / 255.0,
	    (c >> 8 & 255) / 255.0, (c & 255) / 255.0);
}

void
draw_begin(struct draw *d, int w, int h, uint32_t ground)
{
	if (d->surface == NULL || d->w != w || d->h != h) {
		draw_end(d);
		d->surface =
		    cairo_image_surface_create(CAIRO_FORMAT_RGB24, w, h);
		d->cr = cairo_create(d->surface);
		d->w = w;
		d->h = h;
	}
	draw_fill(d, ground, 0, 0, w, h);
}

void
draw_fill(struct draw *d, uint32_t colour, int x, int y, int w, int h)
{
	set_colour(d, colour);
	cairo_rectangle(d->cr, x, y, w, h);
	cairo_fill(d->cr);
}

int
draw_text(struct draw *d, const char *text, uint32_t colour, int x, int y,
    int w, int h)
{
	int tw, th, top;

	if (w < 1)
		return 0;
	pango_layout_set_width(d->layout, w * PANGO_SCALE);
	pango_layout_set_text(d->layout, text, -1);
	pango_layout_get_pixel_size(d->layout, &tw, &th);
	top = y + (h - th) / 2;
	set_colour(d, colour);
	cairo_move_to(d->cr, x, top);
	pango_cairo_show_layout(d->cr, d->layout);
	return tw < w ? tw : w;
}

int
draw_width(struct draw *d, const char *text)
{
	int w;

	pango_layout_set_width(d->layout, -1);
	pango_layout_set_text(d->layout, text, -1);
	pango_layout_get_pixel_size(d->layout, &w, NULL);
	return w;
}

const uint8_t *
draw_pixels(struct draw *d, size_t *stride)
{
	cairo_surface_flush(d->surface);
	*stride = (size_t)cairo_image_surface_get_stride(d->surface);
	return cairo_image_surface_get_data(d->surface);
}

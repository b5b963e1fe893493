-- Returns the color for a member that takes a nickname under which someone else had the color
-- `former`: the color that it asked for, if that is one of the palette and not like the former one,
-- else the color of the palette that is least like it.
create or replace function distant_color(asked text, former text, palette text[]) returns text
immutable language plpgsql as $$
begin
  if asked = any(palette) and color_distance(asked, former) >= 96 then return asked; end if;
  return (select p.color from unnest(palette) as p (color) order by color_distance(p.color, former) desc limit 1);
end
$$;

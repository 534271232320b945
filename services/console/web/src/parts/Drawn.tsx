import { BarChart, LineChart } from 'echarts/charts'
import { GridComponent, LegendComponent, TooltipComponent } from 'echarts/components'
import { init, use as register } from 'echarts/core'
import { CanvasRenderer } from 'echarts/renderers'
import { useEffect, useRef } from 'react'
import type { ChartProps } from './Chart'

register([BarChart, LineChart, GridComponent, LegendComponent, TooltipComponent, CanvasRenderer])

const colors = ['#1098ad', '#e8590c', '#5f3dc4', '#2b8a3e', '#c2255c', '#f08c00', '#1864ab', '#868e96', '#66a80f', '#9c36b5']

export default function Drawn({ series, label, format, small, onPick, dark }: ChartProps & { dark: boolean }) {
  const box = useRef<HTMLDivElement>(null)
  const pick = useRef(onPick)
  pick.current = onPick
  useEffect(() => {
    const chart = init(box.current!)
    const ink = dark ? '#c9c9c9' : '#495057'
    const line = dark ? '#424242' : '#dee2e6'
    const many = series.parts.length > 1
    chart.setOption({
      color: colors,
      animation: false,
      textStyle: { color: ink, fontFamily: 'inherit' },
      grid: { left: 8, right: 12, top: many ? 40 : 12, bottom: 4, containLabel: true },
      legend: many ? { type: 'scroll', top: 0, textStyle: { color: ink }, pageTextStyle: { color: ink } } : undefined,
      // Tooltips are drawn, not written as HTML: the page's policy allows no styles in attributes, and values are text.
      tooltip: {
        trigger: 'axis', renderMode: 'richText', confine: true, axisPointer: { type: 'shadow' }, valueFormatter: (v: unknown) => format(Number(v ?? 0)),
        backgroundColor: dark ? '#2e2e2e' : '#fff', borderColor: line, textStyle: { color: ink },
      },
      xAxis: { type: 'category', data: series.categories, axisLine: { lineStyle: { color: line } }, axisLabel: { color: ink, hideOverlap: true, width: 110, overflow: 'truncate', interval: series.time ? 'auto' : 0, rotate: !series.time && series.categories.length > 8 ? 40 : 0 } },
      yAxis: { type: 'value', axisLabel: { color: ink, formatter: (v: number) => format(v) }, splitLine: { lineStyle: { color: line } } },
      series: series.parts.map((p, i) => ({
        name: p.name, type: series.time && !series.stacked ? 'line' : 'bar', stack: series.stacked ? (p.before === undefined ? 'all' : 'before') : undefined, data: p.values, barMaxWidth: 42, showSymbol: false, connectNulls: true,
        color: colors[(p.before ?? i) % colors.length], itemStyle: { opacity: p.before === undefined ? 1 : 0.35 }, lineStyle: p.before === undefined ? undefined : { opacity: 0.5, type: 'dashed' as const },
      })),
    })
    chart.on('click', (e) => pick.current?.(e.dataIndex))
    const resize = new ResizeObserver(() => chart.resize())
    resize.observe(box.current!)
    return () => {
      resize.disconnect()
      chart.dispose()
    }
  }, [series, format, dark])
  return <div ref={box} className={small ? 'small-chart' : 'chart'} role="img" aria-label={label} />
}
